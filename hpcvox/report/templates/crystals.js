"use strict";
// Crystals in 3D on a plain 2D canvas, painted from back to front.  WebGL would need a graphics card or a
// browser that imitates one, which login nodes and remote desktops often lack; a cell has few enough atoms.
function crystalViewer(widget, colours, cifs) {
  const canvas = document.getElementById("crystal-view");
  const choice = document.getElementById("crystal-choice");
  const pointed = document.getElementById("crystal-atom");
  const byId = new Map(widget.crystals.map((crystal) => [crystal.id, crystal]));
  const EYE = 6; // distance of the eye, in radii of the crystal
  let turn = multiplied(about(0, 0.35), multiplied(about(1, -0.6), about(0, -Math.PI / 2))); // c points up
  let zoom = 1;
  let scene = null;

  // ---- a little algebra: 3 by 3 matrices as rows ---------------------------------------------
  function about(axis, angle) {
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    if (axis === 0) return [[1, 0, 0], [0, c, -s], [0, s, c]];
    if (axis === 1) return [[c, 0, s], [0, 1, 0], [-s, 0, c]];
    return [[c, -s, 0], [s, c, 0], [0, 0, 1]];
  }
  function multiplied(p, q) {
    return p.map((row) => [0, 1, 2].map((k) => row[0] * q[0][k] + row[1] * q[1][k] + row[2] * q[2][k]));
  }
  function times(matrix, v) {
    return matrix.map((row) => row[0] * v[0] + row[1] * v[1] + row[2] * v[2]);
  }
  function between(p, q, share) {
    return p.map((x, k) => x + share * (q[k] - x));
  }
  function distance(p, q) {
    return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
  }

  // ---- what is drawn -------------------------------------------------------------------------
  function corner(lattice, i, j, k) {
    return [0, 1, 2].map((m) => i * lattice[0][m] + j * lattice[1][m] + k * lattice[2][m]);
  }

  function edges(lattice) {
    const lines = [];
    for (const u of [0, 1]) for (const v of [0, 1]) {
      lines.push([corner(lattice, 0, u, v), corner(lattice, 1, u, v)]);
      lines.push([corner(lattice, u, 0, v), corner(lattice, u, 1, v)]);
      lines.push([corner(lattice, u, v, 0), corner(lattice, u, v, 1)]);
    }
    return lines;
  }

  // Lines are cut into short pieces, each with its own depth; pieces inside an atom are left out.
  function pieces(crystal, radius, [p, q], count, kind) {
    const found = [];
    for (let n = 0; n < count; n++) {
      const [start, end] = [between(p, q, n / count), between(p, q, (n + 1) / count)];
      const middle = between(start, end, 0.5);
      if (crystal.positions.every((centre, m) => distance(centre, middle) > radius[m] - 0.02)) found.push({ kind, start, end, middle });
    }
    return found;
  }

  function sceneOf(crystal) {
    const radius = crystal.numbers.map((z) => widget.elements[z].radius);
    const centre = corner(crystal.lattice, 0.5, 0.5, 0.5);
    const reach = Math.max(...crystal.positions.map((p, n) => distance(p, centre) + radius[n]), distance(corner(crystal.lattice, 1, 1, 1), centre));
    const parts = crystal.positions.map((middle, n) => ({ kind: "atom", middle, n, radius: radius[n] }));
    for (const line of edges(crystal.lattice)) parts.push(...pieces(crystal, radius, line, 16, "edge"));
    for (const [i, j] of crystal.bonds) parts.push(...pieces(crystal, radius, [crystal.positions[i], crystal.positions[j]], 8, "bond"));
    ["a", "b", "c"].forEach((text, k) => parts.push({ kind: "letter", text, middle: corner(crystal.lattice, ...[0, 1, 2].map((m) => (m === k ? 0.5 : -0.13))) }));
    return { crystal, centre, reach, parts };
  }

  const balls = new Map(); // a shaded ball of each element, drawn once
  function ball(z) {
    if (!balls.has(z)) {
      const picture = new OffscreenCanvas(192, 192);
      const pen = picture.getContext("2d");
      const colour = widget.elements[z].colour;
      const shade = pen.createRadialGradient(68, 62, 6, 96, 96, 96);
      shade.addColorStop(0, `color-mix(in srgb, ${colour} 35%, white)`);
      shade.addColorStop(0.45, colour);
      shade.addColorStop(1, `color-mix(in srgb, ${colour} 55%, black)`);
      pen.fillStyle = shade;
      pen.arc(96, 96, 95, 0, 2 * Math.PI);
      pen.fill();
      balls.set(z, picture);
    }
    return balls.get(z);
  }

  function projection() {
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const scale = (0.46 * Math.min(width, height) * zoom) / scene.reach;
    return (point) => {
      const [x, y, z] = times(turn, point.map((value, k) => value - scene.centre[k]));
      const near = EYE / (EYE - z / scene.reach); // nearer things are larger
      return { x: width / 2 + x * scale * near, y: height / 2 - y * scale * near, depth: z, scale: scale * near };
    };
  }

  function paint() {
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.lineCap = "round";
    const colour = colours();
    const place = projection();
    const parts = scene.parts.map((part) => ({ part, at: place(part.middle) })).sort((p, q) => p.at.depth - q.at.depth);
    for (const { part, at } of parts) {
      if (part.kind === "atom") {
        const size = part.radius * at.scale;
        pen.drawImage(ball(scene.crystal.numbers[part.n]), at.x - size, at.y - size, 2 * size, 2 * size);
      } else if (part.kind === "letter") {
        pen.fillStyle = colour.ink;
        pen.font = "italic 15px system-ui, sans-serif";
        pen.fillText(part.text, at.x - 4, at.y + 5);
      } else {
        const [start, end] = [place(part.start), place(part.end)];
        pen.strokeStyle = part.kind === "bond" ? colour.soft : colour.ink;
        pen.lineWidth = part.kind === "bond" ? Math.max(2, 0.12 * at.scale) : 1;
        pen.beginPath();
        pen.moveTo(start.x, start.y);
        pen.lineTo(end.x, end.y);
        pen.stroke();
      }
    }
    canvas.dataset.turn = JSON.stringify(turn.map((row) => row.map((x) => Number(x.toFixed(4)))));
  }

  // ---- what a user does ----------------------------------------------------------------------
  function turnBy(right, down) {
    turn = multiplied(about(0, down), multiplied(about(1, right), turn));
    paint();
  }

  function zoomBy(factor) {
    zoom = Math.min(6, Math.max(0.4, zoom * factor));
    paint();
  }

  function sayAtom(event) {
    const place = projection();
    let best = null;
    for (const part of scene.parts) {
      if (part.kind !== "atom") continue;
      const at = place(part.middle);
      if (Math.hypot(at.x - event.offsetX, at.y - event.offsetY) < part.radius * at.scale && (best === null || at.depth > best.depth))
        best = { depth: at.depth, n: part.n };
    }
    const { numbers, frac } = scene.crystal;
    pointed.textContent = best === null ? "" : `${widget.elements[numbers[best.n]].symbol} at ${frac[best.n].map((x) => x.toFixed(3)).join(", ")}`;
  }

  function choose() {
    scene = sceneOf(byId.get(choice.value));
    const present = [...new Set(scene.crystal.numbers)].sort((p, q) => p - q);
    document.getElementById("crystal-legend").replaceChildren(...present.map((z) => {
      const [item, swatch] = [document.createElement("li"), document.createElement("i")];
      swatch.style.background = widget.elements[z].colour;
      item.append(swatch, widget.elements[z].symbol);
      return item;
    }));
    const lengths = scene.crystal.lattice.map((row) => Math.hypot(...row).toFixed(3));
    document.getElementById("crystal-cell").textContent = `a, b, c = ${lengths.join(", ")} Å`;
    const save = document.getElementById("crystal-cif");
    save.hidden = !(scene.crystal.cif in cifs);
    save.dataset.cif = scene.crystal.cif;
    pointed.textContent = "";
    for (const row of document.querySelectorAll("tr[data-crystal]"))
      row.classList.toggle("chosen", row.dataset.crystal === scene.crystal.id);
    paint();
  }

  canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
  canvas.addEventListener("pointermove", (event) => {
    if (event.buttons & 1) turnBy(0.01 * event.movementX, 0.01 * event.movementY);
    else sayAtom(event);
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomBy(Math.exp(-0.0015 * event.deltaY));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] }[event.key];
    if (step) turnBy(...step);
    else if (event.key === "+" || event.key === "-") zoomBy(event.key === "+" ? 1.1 : 1 / 1.1);
    else return;
    event.preventDefault();
  });
  choice.addEventListener("change", choose);
  for (const row of document.querySelectorAll("tr[data-crystal]"))
    row.addEventListener("click", (event) => {
      if (event.target.closest("a")) return;
      choice.value = row.dataset.crystal;
      choose();
      canvas.scrollIntoView({ block: "nearest", behavior: "smooth" });
    });
  new ResizeObserver(() => scene && paint()).observe(canvas);
  return () => (scene === null ? choose() : paint());
}
