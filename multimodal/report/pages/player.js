"use strict";
// The page of verdicts: players, time lines and boxes in step, and a summary that sorts and filters. No network.

const spanOf = (line) => [Number(line.dataset.start), Number(line.dataset.end)];

for (const file of document.querySelectorAll("section.file")) {
  const medium = file.querySelector(".player .medium");
  const lines = [...file.querySelectorAll(".timeline")];
  const duration = Math.max(0.01, ...lines.map((line) => Number(line.dataset.end)));
  const faces = [...file.querySelectorAll("script.face")].map((one) => ({
    name: one.dataset.name, word: one.dataset.word, boxes: JSON.parse(one.textContent),
  }));
  const plays = medium instanceof HTMLMediaElement;
  let now = 0;

  const show = () => {
    for (const line of lines) {
      const [start, end] = spanOf(line);
      const within = Math.min(Math.max(now, start), end);
      line.querySelector(".playhead").style.left = `${(100 * (within - start)) / (end - start)}%`;
      line.setAttribute("aria-valuenow", within.toFixed(2));
      line.setAttribute("aria-valuetext", `${now.toFixed(2)} seconds`);
    }
    drawBoxes();
  };

  const seek = (seconds) => {
    now = Math.min(Math.max(0, seconds), duration);
    if (plays) medium.currentTime = now;
    show();
  };

  const drawBoxes = () => {
    const holder = file.querySelector(".player .boxes");
    if (!holder) return;
    const width = medium.videoWidth || medium.naturalWidth;
    const height = medium.videoHeight || medium.naturalHeight;
    holder.replaceChildren();
    if (!width || !height) return;
    for (const face of faces) {
      const box = face.boxes.filter((one) => one.seconds <= now + 0.01).pop();
      if (!box || now > box.seconds + 1.1) continue;
      const frame = document.createElement("div");
      frame.className = `box ${face.word.replace(" ", "-")}-box`;
      frame.style.left = `${(100 * box.x0) / width}%`;
      frame.style.top = `${(100 * box.y0) / height}%`;
      frame.style.width = `${(100 * (box.x1 - box.x0)) / width}%`;
      frame.style.height = `${(100 * (box.y1 - box.y0)) / height}%`;
      frame.append(Object.assign(document.createElement("span"), { textContent: `${face.name}: ${face.word}` }));
      holder.append(frame);
    }
  };

  if (medium) {
    medium.addEventListener("error", () => { file.querySelector(".failed").hidden = false; });
    for (const event of ["loadeddata", "load", "seeked"]) medium.addEventListener(event, drawBoxes);
    if (medium.complete) drawBoxes();
  }
  if (plays) {
    const follow = () => {
      now = medium.currentTime;
      show();
      if (!medium.paused && !medium.ended) requestAnimationFrame(follow);
    };
    medium.addEventListener("play", follow);
    medium.addEventListener("timeupdate", () => { now = medium.currentTime; show(); });
    medium.addEventListener("loadedmetadata", () => {
      const first = Math.min(...faces.map((face) => face.boxes[0].seconds));
      if (Number.isFinite(first) && first > 0) seek(first);
    });
  }
  for (const button of file.querySelectorAll("[data-seek]")) {
    button.addEventListener("click", (event) => {
      event.stopPropagation();
      seek(Number(button.dataset.seek));
    });
  }
  for (const line of lines) {
    const to = (event) => {
      const place = line.getBoundingClientRect();
      const [start, end] = spanOf(line);
      seek(start + ((event.clientX - place.left) / place.width) * (end - start));
    };
    line.addEventListener("click", to);
    line.addEventListener("pointermove", (event) => { if (event.buttons === 1) to(event); });
    line.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? 0.04 : 0.5;
      const moves = { ArrowLeft: now - step, ArrowRight: now + step, Home: 0, End: duration };
      if (event.key in moves) seek(moves[event.key]);
      else if (event.key === " " && plays && event.target === line) medium.paused ? medium.play() : medium.pause();
      else return;
      event.preventDefault();
    });
  }
  show();
}

const summary = document.querySelector("#summary table");
if (summary) {
  const body = summary.tBodies[0];
  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent.toLowerCase() : Number(cell.dataset.value);
  };
  for (const button of summary.querySelectorAll("[data-sort]")) {
    button.addEventListener("click", () => {
      const column = Number(button.dataset.sort);
      const head = button.closest("th");
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of summary.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const order = (a, b) => (value(a, column) < value(b, column) ? -1 : value(a, column) > value(b, column) ? 1 : 0);
      body.append(...[...body.rows].sort((a, b) => (down ? order(b, a) : order(a, b))));
    });
  }
  const form = document.getElementById("filters");
  const filter = () => {
    const word = form.elements.word.value;
    const text = form.elements.text.value.toLowerCase();
    let shown = 0;
    [...body.rows].forEach((row) => {
      const fits = (!word || row.dataset.word === word) && row.cells[0].textContent.toLowerCase().includes(text);
      row.hidden = !fits;
      const section = document.querySelector(row.querySelector("a").getAttribute("href"));
      section.hidden = !fits;
      shown += fits;
    });
    form.querySelector("output").textContent = `${shown} of ${body.rows.length} files`;
  };
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  filter();
}
