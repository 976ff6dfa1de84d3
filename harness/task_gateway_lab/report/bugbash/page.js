"use strict";
const form = document.querySelector("form");
const rows = [...document.querySelectorAll(".row")];

function filter() {
  const shown = new Set(new FormData(form).getAll("status"));
  const words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !shown.has(row.dataset.status) || !words.every((word) => text.includes(word));
  }
  for (const section of document.querySelectorAll("section")) {
    section.hidden = !section.querySelector(".row:not([hidden])");
  }
  const left = rows.filter((row) => !row.hidden).length;
  document.getElementById("count").textContent = `${left} of ${rows.length} rows`;
}

async function copy(button) {
  const text = button.previousElementSibling.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {  // a page that was opened from a file may not be let
    const area = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
for (const button of document.querySelectorAll(".copy")) {
  button.addEventListener("click", () => copy(button));
}
if (location.hash) {
  document.querySelector(location.hash)?.setAttribute("open", "");
}
filter();
