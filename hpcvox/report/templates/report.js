"use strict";
// The page's behaviour: charts take the page's colours, tables sort, densities are cut (crystals.js turns the crystals, downloads.js saves them).
(() => {
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const config = { responsive: true, displaylogo: false, modeBarButtons: [["toImage"]] };
  const escaped = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(name).trim();
    return { ink: of("--ink"), soft: of("--soft"), line: of("--line"), card: of("--card"), paper: of("--paper") };
  }

  // Of a chart on paper, in pixels: a sheet (A4 or letter, less its margins) takes one wide one or two others.
  // The browser lays the sheet out after it has said that it will print, too late for a chart to measure its place.
  const PAPER = { wide: 690, narrow: 335 };
  let printing = false;

  // A figure's layout in the page's colours, as wide as there is place for it.
  function themed(layout, element) {
    const colour = colours();
    const paper = element.matches(".density, .wide *") ? PAPER.wide : PAPER.narrow;
    const width = printing ? { autosize: false, width: paper } : { autosize: true };
    const themedLayout = { ...layout, ...width, font: { family: "system-ui, sans-serif", size: 12, color: colour.ink },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: colour.soft, activecolor: colour.ink }, hoverlabel: { bgcolor: colour.card, font: { color: colour.ink } } };
    for (const key of Object.keys(themedLayout).concat("xaxis", "yaxis"))
      if (/^[xy]axis\d*$/.test(key))
        themedLayout[key] = { gridcolor: colour.line, zerolinecolor: colour.line, linecolor: colour.line, ...themedLayout[key] };
    return themedLayout;
  }

  function drawCharts() {
    for (const element of document.querySelectorAll("[data-chart]")) {
      const figure = data.charts[element.dataset.chart];
      Plotly.react(element, figure.data, themed(figure.layout, element), config);
    }
  }

  // ---- tables ------------------------------------------------------------------------------
  const EMPTY = ["", "–"];

  // Numbers before words; what is empty comes last whichever way it is sorted.
  function order(a, b, column, down) {
    const [x, y] = [a.cells[column], b.cells[column]];
    const [p, q] = [EMPTY.includes(x.textContent.trim()), EMPTY.includes(y.textContent.trim())];
    if (p || q) return p - q;
    const sign = down ? -1 : 1;
    const [m, n] = [x.dataset.order, y.dataset.order];
    if (m !== undefined && n !== undefined) return sign * (Number(m) - Number(n));
    if (m !== undefined || n !== undefined) return sign * (m !== undefined ? -1 : 1);
    return sign * x.textContent.localeCompare(y.textContent, undefined, { numeric: true });
  }

  function makeSortable(table) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...table.tBodies[0].rows].sort((a, b) => order(a, b, column, down));
      table.tBodies[0].append(...rows);
    }));
  }

  // ---- densities ---------------------------------------------------------------------------
  // Volumes are (n, n, n) bytes, the last axis (c) fastest.
  function unpacked(text) {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  }

  function slice(volume, n, axis, place, scale) {
    const step = [n * n, n, 1];
    const [u, v] = [0, 1, 2].filter((k) => k !== axis);
    const rows = [];
    for (let j = 0; j < n; j++) {
      const row = new Array(n);
      for (let i = 0; i < n; i++) row[i] = scale(volume[i * step[u] + j * step[v] + place * step[axis]]);
      rows.push(row);
    }
    return rows;
  }

  function densities(widget, name) {
    const element = document.getElementById(`${name}-view`);
    const axisChoice = document.getElementById(`${name}-axis`);
    const sliceChoice = document.getElementById(`${name}-slice`);
    const volumes = widget.volumes.map((v) => ({ ...v, maps: Object.entries(v.maps).map(([map, text]) => [map, unpacked(text)]) }));
    const difference = [[0, "#2166ac"], [0.5, "#f7f7f7"], [1, "#b2182b"]];
    const shortened = (text) => (text.length > 24 ? `${text.slice(0, 23)}…` : text);
    const rowNames = volumes[0].maps.map(([map]) => map);
    if (rowNames.length === 2) rowNames.push(`${rowNames[1]} − ${rowNames[0]}`);
    const rows = rowNames.length;
    const [gap, left] = [0.03, 0.02];

    function draw() {
      // of a narrow page as many as leave their captions room
      const k = printing ? volumes.length : Math.max(1, Math.min(volumes.length, Math.floor(element.clientWidth / 160)));
      const width = (1 - left - gap * k) / k;
      element.style.height = `${Math.min(860, 110 + rows * Math.min(260, (element.clientWidth * 0.9) / k))}px`;
      const fewer = document.getElementById(`${name}-fewer`);
      fewer.hidden = k === volumes.length;
      fewer.textContent = `${k} of ${volumes.length} crystals: a wider page shows all.`;
      const [axis, place] = [Number(axisChoice.value), Number(sliceChoice.value)];
      const letters = ["a", "b", "c"].filter((_, m) => m !== axis);
      document.getElementById(`${name}-place`).textContent = `${((place + 0.5) / widget.n).toFixed(2)} of the grid`;
      const [traces, layout] = [[], { margin: { l: 40, r: 16, t: 58, b: 24 }, annotations: [], paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false }];
      volumes.slice(0, k).forEach((volume, column) => rowNames.forEach((map, row) => {
        const id = column + row === 0 ? "" : column * rows + row + 1;
        const value = (level) => volume.low + (level / 255) * (volume.high - volume.low);
        const first = slice(volume.maps[0][1], widget.n, axis, place, value);
        let z = row === 0 ? first : slice(volume.maps[1][1], widget.n, axis, place, value);
        if (row === 2) z = z.map((line, j) => line.map((x, i) => x - first[j][i]));
        const reach = row === 2 ? [-(volume.high - volume.low) / 2, (volume.high - volume.low) / 2] : [volume.low, volume.high];
        traces.push({ type: "heatmap", z, zmin: reach[0], zmax: reach[1], colorscale: row === 2 ? difference : "Viridis",
          xaxis: `x${id}`, yaxis: `y${id}`, showscale: false, hovertemplate: `%{z:.3g} e/Å³<extra>${map}</extra>` });
        const x0 = left + column * (width + gap);
        layout[`xaxis${id}`] = { domain: [x0, x0 + width], anchor: `y${id}`, showticklabels: false, ticks: "", showgrid: false, zeroline: false, constrain: "domain",
          title: row === rows - 1 ? { text: letters[0], standoff: 2 } : undefined };
        layout[`yaxis${id}`] = { domain: [(rows - 1 - row) / rows + 0.01, (rows - row) / rows - 0.01], anchor: `x${id}`, showticklabels: false, ticks: "", showgrid: false, zeroline: false,
          scaleanchor: `x${id}`, constrain: "domain", title: column === 0 ? { text: `${map} (${letters[1]} ↑)`, standoff: 6 } : undefined };
        if (row === 0)
          layout.annotations.push({ text: `${escaped(shortened(volume.id))}<br>${volume.low.toPrecision(2)} to ${volume.high.toPrecision(3)} e/Å³${volume.error === null ? "" : `<br>off by ${(100 * volume.error).toFixed(0)} %`}`,
            x: 0.5, y: 1.01, xref: `x${id} domain`, yref: `y${id} domain`, yanchor: "bottom", showarrow: false, font: { size: 11 } });
      }));
      Plotly.react(element, traces, themed(layout, element), config);
    }
    axisChoice.addEventListener("change", draw);
    sliceChoice.addEventListener("input", draw);
    return draw;
  }

  // ---- all of it ---------------------------------------------------------------------------
  downloads(data.files, data.cifs);
  document.querySelectorAll("table.sortable").forEach(makeSortable);
  const drawn = [drawCharts];
  for (const widget of data.widgets)
    drawn.push({ crystals: () => crystalViewer(widget.data, colours, data.cifs), cards: () => crystalCards(widget.data, widget.name, colours),
      densities: () => densities(widget.data, widget.name) }[widget.kind]());
  const drawAll = () => drawn.forEach((draw) => draw());
  drawAll();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  for (const [event, begins] of [["beforeprint", true], ["afterprint", false]])
    addEventListener(event, () => {
      printing = begins;
      document.documentElement.classList.toggle("printing", begins);
      drawAll();
    });
  document.documentElement.dataset.ready = "yes";
})();
