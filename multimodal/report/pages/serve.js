"use strict";
// The page of `serve`: sends files, asks how far they are, and shows their verdicts. It asks its own server alone.

const drop = document.getElementById("drop");
const jobs = document.getElementById("jobs");
const verdict = document.getElementById("verdict");
const input = drop.querySelector("input");
const largest = Number(drop.dataset.largest);
let shown = null;

const make = (tag, className, text) => Object.assign(document.createElement(tag), { className, textContent: text });

class Row {
  constructor(name) {
    this.item = make("li", "job", "");
    this.name = make("b", "", name);
    this.bar = document.createElement("progress");
    this.said = make("span", "said", "");
    this.open = make("button", "jump", "show the verdict");
    this.open.type = "button";
    this.open.hidden = true;
    this.item.append(this.name, this.bar, this.said, this.open);
    jobs.append(this.item);
  }

  say(text, share) {
    this.said.textContent = text;
    if (share === undefined) this.bar.removeAttribute("value");
    else this.bar.value = share;
  }

  end(text, className) {
    this.bar.remove();
    this.said.textContent = text;
    this.said.className = `said ${className}`;
  }
}

const show = (row, key) => {
  if (shown) shown.item.removeAttribute("aria-current");
  shown = row;
  row.item.setAttribute("aria-current", "true");
  verdict.src = `/verdicts/${key}`;
  verdict.title = `the verdict on ${row.name.textContent}`;
  verdict.hidden = false;
};

const follow = async (row, key) => {
  for (;;) {
    let job;
    try {
      const answer = await fetch(`/files/${key}`);
      job = await answer.json();
      if (!answer.ok) return row.end(job.error, "fake");
    } catch {
      return row.end("the server does not answer any more", "fake");
    }
    if (job.state === "done") {
      const why = job.word === "cannot say" && job.reason ? `: ${job.reason}` : "";
      const words = { fake: "looks fake", real: "looks real" };
      row.end(`${words[job.word] || "cannot say"}${why}`, job.word.replace(" ", "-"));
      row.open.hidden = false;
      row.open.addEventListener("click", () => show(row, key));
      if (!shown) show(row, key);
      return undefined;
    }
    if (job.state === "waiting") row.say(job.ahead ? `waits for ${job.ahead} before it` : "is next");
    else row.say(job.judged_seconds ? `judged up to ${job.judged_seconds.toFixed(1)} s` : "looking for faces");
    await new Promise((ready) => setTimeout(ready, 400));
  }
};

const send = (file) => {
  const row = new Row(file.name);
  if (file.size > largest) return row.end(`larger than ${Math.round(largest / 1048576)} MB`, "fake");
  const request = new XMLHttpRequest();
  request.open("POST", `/files?name=${encodeURIComponent(file.name)}`);
  request.responseType = "json";
  request.upload.addEventListener("progress", (event) => row.say("is sent", event.loaded / event.total));
  request.addEventListener("error", () => row.end("it could not be sent", "fake"));
  request.addEventListener("load", () => {
    if (request.status === 202) follow(row, request.response.key);
    else row.end((request.response && request.response.error) || `refused (${request.status})`, "fake");
  });
  request.send(file);
  return undefined;
};

input.addEventListener("change", () => { [...input.files].forEach(send); input.value = ""; });
for (const event of ["dragenter", "dragover"]) {
  document.addEventListener(event, (dragged) => { dragged.preventDefault(); drop.classList.add("over"); });
}
document.addEventListener("dragleave", () => drop.classList.remove("over"));
document.addEventListener("drop", (dropped) => {
  dropped.preventDefault();
  drop.classList.remove("over");
  [...dropped.dataTransfer.files].forEach(send);
});
