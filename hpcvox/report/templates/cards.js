"use strict";
// Crystals as cards, each to be turned, sorted and filtered by what is known of them; and a map of their elements.
function crystalCards(widget, name, colours) {
  const MORE = 24; // cards that are drawn at a time
  const of = (part) => document.getElementById(`${name}-${part}`);
  const place = of("cards");
  let shown = MORE;
  const made = (tag, cls, text) => {
    const element = document.createElement(tag);
    if (cls) element.className = cls;
    if (text !== undefined) element.textContent = text;
    return element;
  };

  // ---- a crystal on a small canvas, from back to front ---------------------------------------
  function rotated(p, turn) {
    const [x, y, z] = p;
    const [u, w] = [Math.cos(turn[0]) * x - Math.sin(turn[0]) * y, Math.sin(turn[0]) * x + Math.cos(turn[0]) * y];
    return [u, Math.cos(turn[1]) * z + Math.sin(turn[1]) * w, Math.sin(turn[1]) * z - Math.cos(turn[1]) * w];
  }
  function paint(canvas, crystal, turn) {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const corner = (i, j, k) => [0, 1, 2].map((m) => i * crystal.lattice[0][m] + j * crystal.lattice[1][m] + k * crystal.lattice[2][m]);
    const middle = corner(0.5, 0.5, 0.5);
    const reach = 0.7 + Math.max(...[0, 1].flatMap((i) => [0, 1].flatMap((j) => [0, 1].map((k) => Math.hypot(...corner(i, j, k).map((x, m) => x - middle[m]))))));
    const scale = (0.47 * Math.min(width, height)) / reach;
    const at = (p) => {
      const [x, y, z] = rotated(p.map((value, m) => value - middle[m]), turn);
      return [width / 2 + x * scale, height / 2 - y * scale, z];
    };
    const parts = [];
    const line = (p, q, kind) => {
      for (let n = 0; n < 6; n++) {
        const [a, b] = [n / 6, (n + 1) / 6].map((share) => at(p.map((x, m) => x + share * (q[m] - x))));
        parts.push({ kind, a, b, depth: (a[2] + b[2]) / 2 });
      }
    };
    for (const u of [0, 1]) for (const v of [0, 1]) {
      line(corner(0, u, v), corner(1, u, v), "edge");
      line(corner(u, 0, v), corner(u, 1, v), "edge");
      line(corner(u, v, 0), corner(u, v, 1), "edge");
    }
    for (const [i, j] of crystal.bonds) line(crystal.positions[i], crystal.positions[j], "bond");
    crystal.positions.forEach((p, n) => {
      const centre = at(p);
      const look = widget.elements[crystal.numbers[n]];
      parts.push({ kind: "atom", a: centre, depth: centre[2] + look.radius, look }); // lines to its centre are behind it
    });
    const colour = colours();
    for (const part of parts.sort((p, q) => p.depth - q.depth)) {
      pen.beginPath();
      if (part.kind === "atom") {
        pen.fillStyle = part.look.colour;
        pen.strokeStyle = "rgba(0, 0, 0, .45)";
        pen.lineWidth = 0.7;
        pen.arc(part.a[0], part.a[1], Math.max(2, part.look.radius * scale), 0, 2 * Math.PI);
        pen.fill();
      } else {
        pen.strokeStyle = part.kind === "bond" ? colour.soft : colour.line;
        pen.lineWidth = part.kind === "bond" ? 2 : 1;
        pen.moveTo(part.a[0], part.a[1]);
        pen.lineTo(part.b[0], part.b[1]);
      }
      pen.stroke();
    }
  }

  const turns = new Map(); // of each crystal, as a user has left it
  const watched = new ResizeObserver((entries) => entries.forEach((entry) => entry.target.redraw()));
  function card(one) {
    const element = made("article", "card");
    element.dataset.card = one.scene.id;
    const canvas = made("canvas");
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${one.title}; drag or use the arrow keys to turn it`);
    const turn = turns.get(one.scene.id) ?? [-0.5, 0.3];
    turns.set(one.scene.id, turn);
    canvas.redraw = () => paint(canvas, one.scene, turn);
    const by = (right, down) => {
      turn[0] += right;
      turn[1] += down;
      canvas.redraw();
    };
    canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
    canvas.addEventListener("pointermove", (event) => event.buttons & 1 && by(0.015 * event.movementX, 0.015 * event.movementY));
    canvas.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, -0.15], ArrowDown: [0, 0.15] }[event.key];
      if (!step) return;
      by(...step);
      event.preventDefault();
    });
    watched.observe(canvas);
    const legend = made("ul", "legend");
    for (const z of [...new Set(one.scene.numbers)].sort((p, q) => p - q)) {
      const [item, swatch] = [made("li"), made("i")];
      swatch.style.background = widget.elements[z].colour;
      item.append(swatch, widget.elements[z].symbol);
      legend.append(item);
    }
    const facts = made("dl");
    for (const [key, text] of one.facts) facts.append(made("dt", "", key), made("dd", "", text));
    element.append(canvas, made("h3", "", one.title), legend, facts);
    if (one.note) element.append(made("p", "note", one.note));
    if (one.scene.cif !== null) {
      const [line, button] = [made("p", "downloads"), made("button", "", "CIF")];
      button.type = "button";
      button.dataset.cif = one.scene.cif;
      line.append(button);
      element.append(line);
    }
    return element;
  }

  // ---- which cards, in which order -----------------------------------------------------------
  const symbols = new Map(widget.cards.map((one) => [one, new Set(one.scene.numbers.map((z) => widget.elements[z].symbol))]));
  let element = null; // chosen on the map
  function chosen() {
    const [words, key, low, high] = [of("words").value.toLowerCase(), of("field").value, of("low").value, of("high").value];
    const value = (one) => one.values[key] ?? null;
    const passes = (one) => {
      if (words && !`${one.title} ${one.facts.flat().join(" ")} ${one.note}`.toLowerCase().includes(words)) return false;
      if (element !== null && !symbols.get(one).has(element)) return false;
      if (low !== "" && !(value(one) !== null && value(one) >= Number(low))) return false;
      return high === "" || (value(one) !== null && value(one) <= Number(high));
    };
    const sign = of("down").checked ? -1 : 1;
    const order = (p, q) => {
      if (value(p) === null || value(q) === null) return (value(p) === null) - (value(q) === null);
      return sign * (value(p) - value(q));
    };
    return widget.cards.filter(passes).sort(order);
  }
  function draw() {
    const some = chosen();
    watched.disconnect();
    place.replaceChildren(...some.slice(0, shown).map(card));
    of("count").textContent = `${some.length} of ${widget.cards.length}` + (element === null ? "" : `, with ${element}`);
    of("more").hidden = some.length <= shown;
  }

  // ---- the map of elements -------------------------------------------------------------------
  function drawMap() {
    const most = Math.max(1, ...widget.map.map((one) => one.count));
    of("map").replaceChildren(...widget.map.map((one) => {
      const button = made("button", one.count ? "" : "none");
      button.type = "button";
      button.style.gridRow = one.row;
      button.style.gridColumn = one.column;
      button.style.setProperty("--share", `${Math.round(20 + (60 * one.count) / most) * (one.count > 0)}%`);
      button.title = `${one.symbol}: in ${one.count} of ${widget.cards.length}`;
      button.disabled = one.count === 0;
      button.setAttribute("aria-pressed", String(element === one.symbol));
      button.append(made("b", "", one.symbol), made("span", "", one.count || ""));
      button.addEventListener("click", () => {
        element = element === one.symbol ? null : one.symbol;
        shown = MORE;
        drawMap();
        draw();
      });
      return button;
    }));
  }
  for (const part of ["words", "field", "low", "high", "down"])
    of(part).addEventListener("input", () => {
      shown = MORE;
      draw();
    });
  of("more").addEventListener("click", () => {
    shown += MORE;
    draw();
  });
  return () => {
    drawMap();
    draw();
  };
}
