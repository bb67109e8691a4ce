// Films of candidates beside each other, or one that a planner plays now; and a sentence about it.
"use strict";

(() => {
  const $ = (id) => document.getElementById(id);
  const POLL = 300; // ms between looks at what the planner did
  const REST = 0.7; // seconds on the last frame before all films start over

  async function ask(path, body) {
    const sent = body === undefined ? {} : {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
    };
    const reply = await fetch(path, sent);
    const found = await reply.json();
    if (!reply.ok) throw new Error(found.error);
    return found;
  }

  function say(text, bad) {
    $("answer").textContent = text;
    $("answer").classList.toggle("trouble", Boolean(bad));
  }

  $("say").addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const found = await ask("api/say", { text: $("sentence").value });
      say(found.said);
      document.body.dataset.said = String(Number(document.body.dataset.said || 0) + 1);
      if (found.over) $("say").querySelectorAll("input, button").forEach((each) => { each.disabled = true; });
    } catch (error) {
      say(error.message, true);
    }
  });

  const films = [...document.querySelectorAll("figure[data-clip]")];
  const live = $("live");

  async function watch() {
    const clips = await Promise.all(films.map((film) => ask(`told/${film.dataset.clip}`)));
    films.forEach((film, i) => {
      const made = clips[i];
      if (made.kind === "scene") made.count = made.frames.length;
      const canvas = film.querySelector("canvas");
      canvas.className = made.kind;
      canvas.style.height = made.kind === "plot" ? `${made.fields.length * Drawn.row(made) + 4}px` : "";
    });
    document.body.dataset.films = String(clips.length);
    const began = performance.now();
    (function tick(now) {
      const longest = Math.max(...clips.map((c) => c.count / c.rate)) + REST;
      const at = ((now - began) / 1000) % longest;
      films.forEach((film, i) => {
        const step = Math.max(0, Math.min(clips[i].count - 1, Math.floor(at * clips[i].rate)));
        Drawn.paint(film.querySelector("canvas"), clips[i], step);
      });
      requestAnimationFrame(tick);
    })(began);
  }

  async function follow() {
    try {
      const found = await ask("told/now");
      const made = found.clip;
      if (made.kind === "scene") made.count = made.frames.length;
      const canvas = live.querySelector("canvas");
      canvas.className = made.kind;
      Drawn.paint(canvas, made, made.count - 1);
      $("steps").textContent = `step ${found.step}`;
      $("terms").replaceChildren(...found.terms.map((term) => {
        const row = document.createElement("tr");
        for (const value of [term.of, Drawn.number(term.is), Drawn.number(term.target), term.unit]) {
          row.append(Object.assign(document.createElement("td"), { textContent: value }));
        }
        return row;
      }));
      document.body.dataset.step = String(found.step);
    } catch (error) {
      say(error.message, true);
    }
    setTimeout(follow, POLL);
  }

  if (films.length) watch().catch((error) => say(error.message, true));
  if (live) follow();
})();
