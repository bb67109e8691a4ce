// Paints clips that the server describes: scenes of lines, films, and numbers over time.
"use strict";

const Drawn = (() => {
  let colours = {};
  function colour(name) {
    if (!(name in colours)) {
      colours[name] = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    }
    return colours[name];
  }

  function scene(pen, wide, high, made, at) {
    const { view, shapes, frames } = made;
    const scale = Math.min(wide / view.width, high / view.height);
    const x0 = wide / 2 - (view.left + view.width / 2) * scale;
    const y0 = high / 2 + (view.bottom + view.height / 2) * scale;
    const frame = frames[at];
    pen.lineCap = pen.lineJoin = "round";
    pen.fillStyle = colour("paper");
    for (let i = 0; i < frame.length;) {
      const shape = shapes[frame[i++]];
      const length = shape.what === "line" ? 4 : shape.what === "dot" ? 2 : frame[i++];
      const at = [];
      for (let k = 0; k < length; k += 2) at.push([x0 + frame[i + k] * scale, y0 - frame[i + k + 1] * scale]);
      i += length;
      stroke(pen, shape, at, Math.max(shape.size * scale, 0.75), wide);
    }
  }

  function stroke(pen, shape, at, radius, wide) {
    const fill = colour(shape.colour);
    const path = () => {
      pen.beginPath();
      if (shape.what === "dot") {
        pen.arc(at[0][0], at[0][1], radius, 0, 2 * Math.PI);
      } else {
        at.forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)));
      }
    };
    path();
    if (shape.what === "line") {
      if (shape.size && shape.edge) { // a rim keeps limbs apart where they overlap
        pen.strokeStyle = colour("edge");
        pen.lineWidth = 2 * radius + 3;
        pen.stroke();
      }
      pen.strokeStyle = fill;
      pen.lineWidth = shape.size ? 2 * radius : 1.5;
      pen.stroke();
      return;
    }
    if (shape.edge) {
      pen.strokeStyle = colour("edge");
      pen.lineWidth = 3;
      pen.stroke();
    }
    pen.fillStyle = fill;
    if (shape.what === "area" && !shape.edge && at.length > 3) {
      // the ground goes on to both sides of the picture
      const [xs, ys] = [at.map((p) => p[0]), at.map((p) => p[1])];
      const [low, top, deep] = [Math.min(...xs), Math.max(...xs), Math.max(...ys)];
      pen.beginPath();
      for (const [x, y] of at) {
        pen.lineTo(x === low ? x - wide : x === top ? x + wide : x, y === deep ? y + wide : y);
      }
    }
    pen.fill();
  }

  function film(pen, wide, high, made, at) {
    pen.imageSmoothingEnabled = false;
    const [x, y] = [(at % made.columns) * made.width, Math.floor(at / made.columns) * made.height];
    const scale = Math.min(wide / made.width, high / made.height);
    const [w, h] = [made.width * scale, made.height * scale];
    pen.drawImage(made.sheet, x, y, made.width, made.height, (wide - w) / 2, (high - h) / 2, w, h);
  }

  // pixels for each of the numbers
  function row(made) { return made.fields.length > 6 ? 46 : 58; }

  function plot(pen, wide, high, made, at) {
    const tight = wide < 240;
    const family = getComputedStyle(document.body).fontFamily;
    made.fields.forEach((field, k) => {
      const top = k * row(made) + 22;
      const tall = row(made) - 30;
      const span = field.high - field.low || 1;
      const x = (i) => 2 + ((wide - 4) * i) / (made.count - 1);
      const y = (v) => top + tall - (tall * (Math.min(field.high, Math.max(field.low, v)) - field.low)) / span;
      pen.font = `13px ${family}`;
      pen.textBaseline = "alphabetic";
      pen.fillStyle = colour("muted");
      pen.textAlign = "left";
      pen.fillText(field.name, 2, top - 7, wide * (tight ? 0.66 : 0.7));
      const value = field.values[Math.min(at, field.values.length - 1)];
      pen.fillStyle = colour("ink");
      pen.textAlign = "right";
      pen.fillText(value === null ? "–" : `${number(value)} ${tight ? "" : field.unit}`.trim(), wide - 2, top - 7, wide * 0.28);
      pen.fillStyle = colour("ground");
      pen.fillRect(0, top - 2, wide, tall + 4);
      if (field.low < 0 && field.high > 0) {
        pen.strokeStyle = colour("line");
        pen.lineWidth = 1;
        pen.beginPath();
        pen.moveTo(0, y(0));
        pen.lineTo(wide, y(0));
        pen.stroke();
      }
      for (const [upto, alpha, width] of [[field.values.length - 1, 0.35, 1.5], [at, 1, 2]]) {
        pen.globalAlpha = alpha;
        pen.strokeStyle = colour("s1");
        pen.lineWidth = width;
        pen.lineJoin = "round";
        pen.beginPath();
        let down = false;
        for (let i = 0; i <= Math.min(upto, field.values.length - 1); i++) {
          if (field.values[i] === null) { down = false; continue; }
          down ? pen.lineTo(x(i), y(field.values[i])) : pen.moveTo(x(i), y(field.values[i]));
          down = true;
        }
        pen.stroke();
      }
      pen.globalAlpha = 1;
      if (value !== null) {
        pen.fillStyle = colour("s2");
        pen.beginPath();
        pen.arc(x(Math.min(at, field.values.length - 1)), y(value), 4, 0, 2 * Math.PI);
        pen.fill();
      }
    });
  }

  // the size of the canvas follows its place; what is painted follows the step
  function paint(canvas, made, at) {
    const scale = window.devicePixelRatio || 1;
    const [wide, high] = [canvas.clientWidth, canvas.clientHeight];
    if (!wide || !high) return;
    if (canvas.width !== Math.round(wide * scale) || canvas.height !== Math.round(high * scale)) {
      canvas.width = Math.round(wide * scale);
      canvas.height = Math.round(high * scale);
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, wide, high);
    ({ scene, film, plot })[made.kind](pen, wide, high, made, at);
  }

  function number(value) { return value === null ? "unknown" : String(Number(value.toPrecision(3))); }

  return { paint, row, number, forget: () => { colours = {}; } };
})();
