// What a page adds where scripts run; without them it says the same, only less handily.
// Read-out under the cursor, one seed put forward, tables sorted by a click on a heading.
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const shorten = (x) => {
    const size = Math.abs(x);
    if (size >= 1e6 || (size > 0 && size < 0.005)) return x.toExponential(1);
    if (size >= 1000) return Math.round(x).toLocaleString("en");
    return x.toFixed(size >= 10 ? 1 : 2);
  };

  // --- curves -----------------------------------------------------------------------------------
  const figures = [];
  for (const note of document.querySelectorAll("script.read-out")) {
    const figure = note.closest("figure"), svg = figure.querySelector("svg");
    figures.push(read(figure, svg, JSON.parse(note.textContent)));
  }

  function read(figure, svg, data) {
    const [left, top, right, bottom] = data.box, [x0, x1] = data.x, [y0, y1] = data.y;
    const across = (x) => left + ((x - x0) / (x1 - x0)) * (right - left);
    const up = (y) => bottom - ((y - y0) / (y1 - y0)) * (bottom - top);
    const rule = svg.appendChild(document.createElementNS(SVG, "path"));
    rule.setAttribute("class", "rule");
    const front = svg.appendChild(document.createElementNS(SVG, "path"));
    front.setAttribute("class", "front");
    const box = figure.appendChild(document.createElement("output"));
    box.className = "told";
    box.hidden = true;
    const seeds = data.series.filter((s) => s.seed !== null), means = data.series.filter((s) => s.seed === null);

    const show = (one) => {
      front.setAttribute("d", one ? "M" + one.y.map((y, i) => `${across(data.steps[i])} ${up(y)}`).join("L") : "");
      if (one) front.style.stroke = one.colour;
    };
    const tell = (event) => {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      if (at.x < left - 6 || at.x > right + 6 || at.y < top - 6 || at.y > bottom + 6) return leave();
      const wanted = x0 + ((at.x - left) / (right - left)) * (x1 - x0);
      let i = 0;
      data.steps.forEach((step, k) => { if (Math.abs(step - wanted) < Math.abs(data.steps[i] - wanted)) i = k; });
      rule.setAttribute("d", `M${across(data.steps[i])} ${top}V${bottom}`);
      let near = null, far = 9;
      for (const s of seeds) {
        const gap = Math.abs(up(s.y[i]) - at.y);
        if (gap < far) { near = s; far = gap; }
      }
      show(near);
      box.replaceChildren(row("step", data.steps[i].toLocaleString("en")),
        ...means.map((s) => row(s.name, shorten(s.y[i]), s.colour)),
        ...(near ? [row(`${near.name}, seed ${near.seed}`, shorten(near.y[i]), near.colour)] : []));
      // over the caption, so that no curve is hidden by what is said of it
      box.style.top = `${svg.getBoundingClientRect().bottom - figure.getBoundingClientRect().top + 4}px`;
      box.hidden = false;
    };
    const leave = () => { box.hidden = true; rule.setAttribute("d", ""); show(null); };
    svg.addEventListener("pointermove", tell);
    svg.addEventListener("pointerdown", tell);
    svg.addEventListener("pointerleave", leave);
    return (name, seed) => show(seeds.find((s) => s.name === name && s.seed === seed) || null);
  }

  function row(name, value, colour) {
    const line = document.createElement("span"), said = document.createElement("b");
    line.textContent = name;
    if (colour) line.style.color = colour;
    said.textContent = value;
    line.append(said);
    return line;
  }

  // --- one seed, from its row of the table ------------------------------------------------------
  for (const line of document.querySelectorAll("tr[data-seed]")) {
    const forward = (on) => figures.forEach((put) => put(on ? line.dataset.strategy : "", Number(line.dataset.seed)));
    line.addEventListener("pointerenter", () => forward(true));
    line.addEventListener("pointerleave", () => forward(false));
  }

  // --- tables -----------------------------------------------------------------------------------
  const worth = (cell) => {
    const text = cell.textContent.trim();
    if (text === "" || text === "–") return NaN;
    if (/^(never|>)/.test(text)) return Infinity;
    const found = text.replace(/,/g, "").match(/^[-+−]?\d+(\.\d+)?(e[-+]?\d+)?/i);
    return found ? Number(found[0].replace("−", "-")) : text.toLowerCase();
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    table.querySelectorAll("thead th").forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        table.querySelectorAll("thead th").forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const order = (a, b) => {
          const x = worth(a.cells[column]), y = worth(b.cells[column]);
          if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
          const way = x === y ? 0 : typeof x === typeof y ? (x < y ? -1 : 1) : typeof x === "number" ? -1 : 1;
          return down ? -way : way;
        };
        body.append(...[...body.rows].sort(order));
      });
    });
  }
})();
