"use strict";
// The page's behaviour: charts take the page's colours, tables sort, densities are cut, crystals turn.
(() => {
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const config = { responsive: true, displaylogo: false, modeBarButtons: [["toImage"]] };
  const escaped = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(name).trim();
    return { ink: of("--ink"), soft: of("--soft"), line: of("--line"), card: of("--card"), paper: of("--paper") };
  }

  // A figure's layout in the page's colours.
  function themed(layout) {
    const colour = colours();
    const themedLayout = { ...layout, autosize: true, font: { family: "system-ui, sans-serif", size: 12, color: colour.ink },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: colour.soft, activecolor: colour.ink }, hoverlabel: { bgcolor: colour.card, font: { color: colour.ink } } };
    for (const key of Object.keys(themedLayout).concat("xaxis", "yaxis"))
      if (/^[xy]axis\d*$/.test(key))
        themedLayout[key] = { gridcolor: colour.line, zerolinecolor: colour.line, linecolor: colour.line, ...themedLayout[key] };
    return themedLayout;
  }

  function drawCharts() {
    for (const element of document.querySelectorAll("[data-chart]")) {
      const figure = data.charts[element.dataset.chart];
      Plotly.react(element, figure.data, themed(figure.layout), config);
    }
  }

  // ---- tables ------------------------------------------------------------------------------
  function order(a, b, column) {
    const [x, y] = [a.cells[column], b.cells[column]];
    const [m, n] = [x.dataset.order, y.dataset.order];
    if (m !== undefined && n !== undefined) return Number(m) - Number(n);
    if (m !== undefined || n !== undefined) return m !== undefined ? -1 : 1; // numbers before words
    return x.textContent.localeCompare(y.textContent, undefined, { numeric: true });
  }

  function makeSortable(table) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...table.tBodies[0].rows].sort((a, b) => (down ? -1 : 1) * order(a, b, column));
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

  function densities(widget) {
    const element = document.getElementById("density-view");
    const axisChoice = document.getElementById("density-axis");
    const sliceChoice = document.getElementById("density-slice");
    const volumes = widget.volumes.map((v) => ({ ...v, true: unpacked(v.true), reconstructed: unpacked(v.reconstructed) }));
    const difference = [[0, "#2166ac"], [0.5, "#f7f7f7"], [1, "#b2182b"]];
    const shortened = (text) => (text.length > 24 ? `${text.slice(0, 23)}…` : text);
    const rowNames = ["true", "reconstructed", "reconstructed − true"];
    const [k, gap, left] = [volumes.length, 0.03, 0.02];
    const width = (1 - left - gap * k) / k;
    element.style.height = `${Math.min(860, 120 + 3 * Math.min(300, (element.clientWidth * 0.9) / k))}px`;

    function draw() {
      const [axis, place] = [Number(axisChoice.value), Number(sliceChoice.value)];
      const letters = ["a", "b", "c"].filter((_, m) => m !== axis);
      document.getElementById("density-place").textContent = `${((place + 0.5) / widget.n).toFixed(2)} of the grid`;
      const [traces, layout] = [[], { margin: { l: 40, r: 16, t: 44, b: 24 }, annotations: [], paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false }];
      volumes.forEach((volume, column) => rowNames.forEach((name, row) => {
        const id = column + row === 0 ? "" : column * 3 + row + 1;
        const value = (level) => volume.low + (level / 255) * (volume.high - volume.low);
        const truth = slice(volume.true, widget.n, axis, place, value);
        let z = row === 0 ? truth : slice(volume.reconstructed, widget.n, axis, place, value);
        if (row === 2) z = z.map((line, j) => line.map((x, i) => x - truth[j][i]));
        const reach = row === 2 ? [-(volume.high - volume.low) / 2, (volume.high - volume.low) / 2] : [volume.low, volume.high];
        traces.push({ type: "heatmap", z, zmin: reach[0], zmax: reach[1], colorscale: row === 2 ? difference : "Viridis",
          xaxis: `x${id}`, yaxis: `y${id}`, showscale: false, hovertemplate: `%{z:.3g} e/Å³<extra>${name}</extra>` });
        const x0 = left + column * (width + gap);
        layout[`xaxis${id}`] = { domain: [x0, x0 + width], anchor: `y${id}`, showticklabels: false, ticks: "", showgrid: false, zeroline: false, constrain: "domain",
          title: row === 2 ? { text: letters[0], standoff: 2 } : undefined };
        layout[`yaxis${id}`] = { domain: [(2 - row) / 3 + 0.01, (3 - row) / 3 - 0.01], anchor: `x${id}`, showticklabels: false, ticks: "", showgrid: false, zeroline: false,
          scaleanchor: `x${id}`, constrain: "domain", title: column === 0 ? { text: name, standoff: 6 } : undefined };
        if (row === 0)
          layout.annotations.push({ text: `${escaped(shortened(volume.id))}<br>${volume.low.toPrecision(2)} to ${volume.high.toPrecision(3)} e/Å³, off by ${(100 * volume.error).toFixed(0)} %`,
            x: 0.5, y: 1.01, xref: `x${id} domain`, yref: `y${id} domain`, yanchor: "bottom", showarrow: false, font: { size: 11 } });
      }));
      Plotly.react(element, traces, themed(layout), config);
    }
    axisChoice.addEventListener("change", draw);
    sliceChoice.addEventListener("input", draw);
    return draw;
  }

  // ---- crystals ----------------------------------------------------------------------------
  // A sphere of radius 1: an icosahedron, each face split into four twice.
  function sphere() {
    const t = (1 + Math.sqrt(5)) / 2;
    let points = [[-1, t, 0], [1, t, 0], [-1, -t, 0], [1, -t, 0], [0, -1, t], [0, 1, t], [0, -1, -t], [0, 1, -t], [t, 0, -1], [t, 0, 1], [-t, 0, -1], [-t, 0, 1]];
    let faces = [[0, 11, 5], [0, 5, 1], [0, 1, 7], [0, 7, 10], [0, 10, 11], [1, 5, 9], [5, 11, 4], [11, 10, 2], [10, 7, 6], [7, 1, 8],
      [3, 9, 4], [3, 4, 2], [3, 2, 6], [3, 6, 8], [3, 8, 9], [4, 9, 5], [2, 4, 11], [6, 2, 10], [8, 6, 7], [9, 8, 1]];
    for (let split = 0; split < 2; split++) {
      const middles = new Map();
      const middle = (i, j) => {
        const key = i < j ? `${i},${j}` : `${j},${i}`;
        if (!middles.has(key)) { middles.set(key, points.length); points.push(points[i].map((x, m) => (x + points[j][m]) / 2)); }
        return middles.get(key);
      };
      faces = faces.flatMap(([a, b, c]) => {
        const [ab, bc, ca] = [middle(a, b), middle(b, c), middle(c, a)];
        return [[a, ab, ca], [b, bc, ab], [c, ca, bc], [ab, bc, ca]];
      });
      points = points.map((p) => p.map((x) => x / Math.hypot(...p)));
    }
    return { points, faces };
  }

  function atoms(crystal, z, element, ball) {
    const trace = { type: "mesh3d", x: [], y: [], z: [], i: [], j: [], k: [], text: [], color: element.colour, hoverinfo: "text", flatshading: false,
      lighting: { ambient: 0.55, diffuse: 0.75, specular: 0.35, roughness: 0.4, fresnel: 0.1 }, lightposition: { x: 2000, y: 1000, z: 4000 } };
    crystal.positions.forEach((centre, n) => {
      if (crystal.numbers[n] !== z) return;
      const first = trace.x.length;
      const label = `${element.symbol} (${crystal.frac[n].map((x) => x.toFixed(3)).join(", ")})`;
      for (const p of ball.points) {
        trace.x.push(centre[0] + element.radius * p[0]);
        trace.y.push(centre[1] + element.radius * p[1]);
        trace.z.push(centre[2] + element.radius * p[2]);
        trace.text.push(label);
      }
      for (const [a, b, c] of ball.faces) { trace.i.push(first + a); trace.j.push(first + b); trace.k.push(first + c); }
    });
    return trace;
  }

  function segments(pairs, style) {
    const trace = { type: "scatter3d", mode: "lines", x: [], y: [], z: [], hoverinfo: "skip", line: style };
    for (const [p, q] of pairs) {
      trace.x.push(p[0], q[0], null);
      trace.y.push(p[1], q[1], null);
      trace.z.push(p[2], q[2], null);
    }
    return trace;
  }

  function edges(lattice) {
    const corner = (i, j, k) => [0, 1, 2].map((m) => i * lattice[0][m] + j * lattice[1][m] + k * lattice[2][m]);
    const pairs = [];
    for (const u of [0, 1]) for (const v of [0, 1])
      pairs.push([corner(0, u, v), corner(1, u, v)], [corner(u, 0, v), corner(u, 1, v)], [corner(u, v, 0), corner(u, v, 1)]);
    return pairs;
  }

  function crystals(widget) {
    const element = document.getElementById("crystal-view");
    const choice = document.getElementById("crystal-choice");
    const legend = document.getElementById("crystal-legend");
    const ball = sphere();
    const byId = new Map(widget.crystals.map((crystal) => [crystal.id, crystal]));

    function describe(crystal, present) {
      legend.replaceChildren(...present.map((z) => {
        const [item, swatch] = [document.createElement("li"), document.createElement("i")];
        swatch.style.background = widget.elements[z].colour;
        item.append(swatch, widget.elements[z].symbol);
        return item;
      }));
      const lengths = crystal.lattice.map((row) => Math.hypot(...row).toFixed(3));
      document.getElementById("crystal-cell").textContent = `a, b, c = ${lengths.join(", ")} Å`;
      for (const row of document.querySelectorAll("tr[data-crystal]"))
        row.classList.toggle("chosen", row.dataset.crystal === crystal.id);
    }

    function draw() {
      const crystal = byId.get(choice.value);
      const colour = colours();
      const present = [...new Set(crystal.numbers)].sort((a, b) => a - b);
      const bonds = crystal.bonds.map(([i, j]) => [crystal.positions[i], crystal.positions[j]]);
      const traces = [segments(edges(crystal.lattice), { color: colour.soft, width: 3 }), segments(bonds, { color: colour.soft, width: 7 }),
        ...present.map((z) => atoms(crystal, z, widget.elements[z], ball))];
      const hidden = { visible: false };
      const layout = { margin: { l: 0, r: 0, t: 0, b: 0 }, showlegend: false, uirevision: "kept", paper_bgcolor: "rgba(0,0,0,0)",
        scene: { xaxis: hidden, yaxis: hidden, zaxis: hidden, aspectmode: "data", dragmode: "orbit", uirevision: "kept",
          camera: { eye: { x: 1.6, y: 1.15, z: 0.75 }, projection: { type: "perspective" } } } };
      Plotly.react(element, traces, themed(layout), config).then(keepStill);
      describe(crystal, present);
    }

    // WebGL is blank on paper: a picture of the crystal as it stands is kept for printing.
    let waiting = 0;
    function keepStill() {
      clearTimeout(waiting);
      waiting = setTimeout(async () => {
        const size = { width: element.clientWidth, height: element.clientHeight };
        document.getElementById("crystal-still").src = await Plotly.toImage(element, { format: "png", scale: 1.5, ...size });
      }, 400);
    }
    choice.addEventListener("change", draw);
    let listening = false;
    const drawAndListen = () => {
      draw();
      if (!listening) element.on("plotly_relayout", keepStill);
      listening = true;
    };
    for (const row of document.querySelectorAll("tr[data-crystal]"))
      row.addEventListener("click", (event) => {
        if (event.target.closest("a")) return;
        choice.value = row.dataset.crystal;
        draw();
        element.scrollIntoView({ block: "nearest", behavior: "smooth" });
      });
    return drawAndListen;
  }

  // ---- all of it ---------------------------------------------------------------------------
  document.querySelectorAll("table.sortable").forEach(makeSortable);
  const drawn = [drawCharts];
  if (data.widgets.densities) drawn.push(densities(data.widgets.densities));
  if (data.widgets.crystals) drawn.push(crystals(data.widgets.crystals));
  const drawAll = () => drawn.forEach((draw) => draw());
  drawAll();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  document.documentElement.dataset.ready = "yes";
})();
