// Two clips side by side and one answer at a time. What the server says is the truth: this page keeps
// no answer of its own, so a reload, a second tab or a crash finds the pair that is due.
"use strict";

(() => {
  const $ = (id) => document.getElementById(id);
  const desk = $("desk");
  const { row, number } = Drawn;
  const sides = ["left", "right"];
  const words = { left: "Left is better", right: "Right is better", equal: "Equally good", skip: "Skipped" };
  const REST = 0.5; // seconds on the last frame before both clips start over
  const PULSE = 60000; // how often a page in sight says that it is still there

  let session = null;
  let state = null;
  let current = null; // the piece of work on show
  let clips = null; // its two clips
  let shownAt = 0;
  let busy = true;
  let taken = 0; // how often the server has told what is on the desk
  let step = 0;
  let clock = 0;
  let speed = 1;
  let paused = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const times = []; // of the latest answers, for the pace
  const kept = new Map(); // clip id -> promise of it

  // --- talking to the server -----------------------------------------------------------------------

  async function ask(path, message) {
    const options = message === undefined ? {} : {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(message),
    };
    // an answer may be sent again and again: the server knows it by its assignment
    for (let wait = 250; ; wait = Math.min(2 * wait, 4000)) {
      let reply = null;
      try {
        reply = await fetch(path, { cache: "no-store", ...options });
      } catch {
        trouble("The connection is lost. Nothing is: this goes on by itself as soon as rewardwrap label runs again.");
      }
      if (reply && reply.ok) {
        trouble("");
        return reply.json();
      }
      if (reply && reply.status < 500) {
        const said = await reply.text();
        throw new Error(said.startsWith("{") ? JSON.parse(said).error : said);
      }
      if (reply) {
        trouble(`The answer cannot be written: ${(await reply.json()).error}. This tries again by itself.`);
      }
      await new Promise((done) => setTimeout(done, wait));
    }
  }

  function trouble(text) {
    const box = $("trouble");
    if (box.textContent !== text) box.textContent = text;
    box.hidden = !text;
  }

  async function guarded(task) {
    if (busy) return;
    busy = true;
    refresh();
    try {
      await task();
    } catch (error) {
      trouble(error.message);
    }
    busy = false;
    refresh();
  }

  function answer(side) {
    if (!current || !clips) return;
    guarded(async () => {
      const ms = Math.round(performance.now() - shownAt);
      mark(side);
      try {
        const reply = await ask("api/judge", { session, assignment: current.assignment, side, ms });
        const { receipt } = reply;
        if (receipt.before) {
          say(`This pair has an answer already: ${words[receipt.side].toLowerCase()}. It stands; u takes it back.`);
        } else {
          say(`${words[side]}. Saved.`);
          if (side !== "skip") times.push(performance.now());
        }
        await take(reply);
      } finally {
        mark(null);
      }
    });
  }

  function undo() {
    if (!state || state.undo === null) return;
    guarded(async () => {
      const reply = await ask("api/undo", { session, judgment: state.undo });
      times.pop();
      say("Taken back. This is the pair again.");
      await take(reply);
    });
  }

  async function look() {
    if (busy || session === null) return;
    const before = taken;
    try {
      const reply = await ask(`api/state?session=${session}`);
      // an answer that was given meanwhile knows better
      if (!busy && taken === before) await take(reply);
    } catch (error) {
      trouble(error.message);
    }
  }

  // --- what is on show -----------------------------------------------------------------------------

  async function take(reply) {
    const turn = ++taken;
    state = reply;
    const next = reply.work[0] || null;
    if (next && (!current || next.assignment !== current.assignment)) {
      const both = await Promise.all(sides.map((side) => clip(next[side])));
      if (turn !== taken) return;
      current = next;
      clips = both;
      step = clock = 0;
      shownAt = performance.now();
      if (next.again) note("You took this answer back. Answer it anew.");
      else describe();
      sides.forEach((side, i) => prepare($(side).querySelector("canvas"), clips[i], side));
      $("scrub").max = String(Math.max(...clips.map((c) => c.count)) - 1);
    } else if (!next) {
      current = clips = null;
    }
    // the next pair is here before this one is answered
    const wanted = new Set(reply.work.flatMap((work) => [work.left, work.right]));
    for (const id of kept.keys()) if (!wanted.has(id)) kept.delete(id);
    for (const id of wanted) clip(id).catch(() => kept.delete(id));
    refresh();
    draw();
  }

  function clip(id) {
    if (!kept.has(id)) kept.set(id, load(id));
    return kept.get(id);
  }

  async function load(id) {
    const made = await ask(`clip/${id}`);
    if (made.kind === "scene") made.count = made.frames.length;
    if (made.kind === "film") {
      made.sheet = new Image();
      made.sheet.src = `clip/${id}/sheet`;
      await made.sheet.decode();
    }
    return made;
  }

  function prepare(canvas, made, side) {
    canvas.className = made.kind;
    canvas.style.height = made.kind === "plot" ? `${made.fields.length * row(made) + 4}px` : "";
    canvas.style.aspectRatio = made.kind === "film" ? `${made.width} / ${made.height}` : "";
    const name = side === "left" ? "Left" : "Right";
    const shown = { scene: "a moving drawing", film: "a film", plot: "numbers over time" }[made.kind];
    const ends = (made.fields || []).map((f) => {
      const [first, last] = [f.values[0], f.values[f.values.length - 1]];
      return `${f.name} from ${number(first)} to ${number(last)}${f.unit ? " " + f.unit : ""}`;
    });
    canvas.setAttribute("aria-label", [`${name} clip, ${made.count} frames, ${shown}`, ...ends].join("; "));
  }

  function describe() {
    const one = clips[0];
    const parts = [];
    if (one.kind === "plot") {
      parts.push(`Shown as numbers over time: ${one.why}.`);
      if (one.hidden) parts.push(`${one.hidden} more are left out.`);
    }
    if (one.slowed < 0.95) parts.push(`Slowed to ${Math.round(100 * one.slowed)} % of real time.`);
    note(parts.join(" "));
  }

  function note(text) { $("note").textContent = text; }
  function say(text) { $("said").textContent = text; }

  function mark(side) {
    $("pair").classList.toggle("waiting", side !== null);
    for (const each of sides) {
      $(each).classList.toggle("chosen", side === each || side === "equal");
    }
  }

  function refresh() {
    if (!state) return;
    const { done, own, target } = state.progress;
    const finished = !current;
    const left = Math.max(0, target - done);
    const recent = times.slice(-12);
    const spent = recent.length > 2 ? (recent[recent.length - 1] - recent[0]) / 60000 : 0;
    const pace = spent > 0 ? (recent.length - 1) / spent : 0;
    const parts = [`${done} of ${target} answered`];
    if (own !== done) parts.push(`${own} by you`);
    if (pace) parts.push(`${pace < 10 ? pace.toFixed(1) : Math.round(pace)} a minute`);
    if (pace && left && !finished) parts.push(`about ${duration(left / pace)} left`);
    $("progress").textContent = parts.join(" · ");
    const bar = $("bar");
    bar.setAttribute("aria-valuemax", String(target));
    bar.setAttribute("aria-valuenow", String(Math.min(done, target)));
    bar.setAttribute("aria-valuetext", `${done} of ${target}`);
    bar.firstElementChild.style.width = `${target ? Math.min(100, (100 * done) / target) : 0}%`;
    $("undo").disabled = state.undo === null;
    for (const id of ["pair", "time", "answers"]) $(id).hidden = finished;
    document.querySelector('[data-side="skip"]').hidden = finished;
    const end = $("finished");
    if (finished && end.hidden) {
      end.hidden = false;
      end.querySelector("p").textContent = done >= target
        ? `${done} of ${target} pairs have their answers. They are all on disk; you can close this page.`
        : `You have seen every pair there is for you now: ${done} of ${target} are answered, the rest are with others or were skipped.`;
      end.querySelector("h2").textContent = done >= target ? "All done, thank you." : "That was all for you, thank you.";
      end.querySelector("h2").focus();
      note("");
    } else if (!finished) {
      end.hidden = true;
    }
    desk.setAttribute("aria-busy", String(busy));
    desk.dataset.assignment = busy || !current ? "" : current.assignment;
    desk.dataset.finished = String(finished && !busy);
    document.title = finished ? "All done" : `${done}/${target} ${$("question").textContent}`;
  }

  function duration(minutes) {
    if (minutes < 1.5) return "1 min";
    return minutes < 90 ? `${Math.round(minutes)} min` : `${(minutes / 60).toFixed(1)} h`;
  }

  // --- playing -------------------------------------------------------------------------------------

  function count() { return clips ? Math.max(...clips.map((c) => c.count)) : 1; }

  let last = performance.now();
  function tick(now) {
    const passed = Math.min(0.1, (now - last) / 1000);
    last = now;
    if (clips && !paused) {
      const rate = clips[0].rate;
      clock += passed * speed;
      if (clock > (count() - 1) / rate + REST) clock = 0;
      const next = Math.min(count() - 1, Math.floor(clock * rate));
      if (next !== step) {
        step = next;
        draw();
      }
    }
    requestAnimationFrame(tick);
  }

  function seek(to) {
    step = Math.max(0, Math.min(count() - 1, to));
    clock = clips ? step / clips[0].rate : 0;
    draw();
  }

  function pause(on) {
    paused = on;
    $("pause").setAttribute("aria-pressed", String(on));
    $("pause").querySelector(".sr").textContent = on ? "Play" : "Pause";
    if (!on && step >= count() - 1) seek(0);
  }

  function choose(value) {
    speed = value;
    for (const button of document.querySelectorAll("[data-speed]")) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.speed) === value));
    }
  }

  // --- drawing -------------------------------------------------------------------------------------

  function draw() {
    if (!clips) return;
    $("scrub").value = String(step);
    $("scrub").setAttribute("aria-valuetext", `${step + 1} of ${count()}`);
    sides.forEach((side, i) => {
      Drawn.paint($(side).querySelector("canvas"), clips[i], Math.min(step, clips[i].count - 1));
    });
  }

  // --- hands ---------------------------------------------------------------------------------------

  const keys = {
    ArrowLeft: () => answer("left"), ArrowRight: () => answer("right"),
    ArrowDown: () => answer("equal"), "=": () => answer("equal"),
    s: () => answer("skip"), u: undo, " ": () => pause(!paused),
    1: () => choose(0.5), 2: () => choose(1), 3: () => choose(2),
  };

  document.addEventListener("keydown", (event) => {
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    const on = event.target;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    // a focused button is pressed by the space bar, and arrows move a focused slider
    if (key === " " && on.matches("button, a")) return;
    if (key.startsWith("Arrow") && on.matches("input")) return;
    if (!Object.hasOwn(keys, key)) return;
    event.preventDefault();
    keys[key]();
  });

  desk.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.side) answer(button.dataset.side);
    else if (button.dataset.speed) choose(Number(button.dataset.speed));
    else if (button.id === "undo") undo();
    else if (button.id === "pause") pause(!paused);
  });

  $("scrub").addEventListener("input", () => {
    pause(true);
    seek(Number($("scrub").value));
  });

  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") look();
  });
  setInterval(() => document.visibilityState === "visible" && look(), PULSE);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { Drawn.forget(); draw(); });
  new ResizeObserver(draw).observe($("pair"));

  (async () => {
    pause(paused);
    try {
      const opened = await ask("api/open", { labeler: desk.dataset.labeler });
      session = opened.session;
      await take(opened);
    } catch (error) {
      trouble(error.message);
      $("progress").textContent = "";
      return;
    }
    busy = false;
    refresh();
    requestAnimationFrame(tick);
  })();
})();
