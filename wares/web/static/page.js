// What the pages do beyond links and forms. Without it everything still works.

const YEAR = 365 * 24 * 3600;

function theme() {
  const button = document.getElementById("theme");
  button.hidden = false;
  button.addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    document.cookie = `theme=${root.dataset.theme}; path=/; max-age=${YEAR}; samesite=lax`; // the server draws the next page in it
  });
}

function slash() {
  const field = document.getElementById("q");
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey || !field) return;
    event.preventDefault();
    field.focus();
    field.select();
  });
}

function suggestShoppers() {
  const field = document.getElementById("shopper");
  const list = document.getElementById("some");
  if (!field || !list) return;
  let waiting = 0;
  let asked = 0;
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const mine = ++asked;
      const answer = await fetch(`/api/shoppers?prefix=${encodeURIComponent(field.value)}`);
      if (!answer.ok || mine !== asked) return; // a later keystroke has asked again
      const { shoppers } = await answer.json();
      list.replaceChildren(...shoppers.map((id) => Object.assign(document.createElement("option"), { value: id })));
    }, 120);
  });
}

function narrowClusters() {
  const line = document.getElementById("cluster-filter");
  const list = document.getElementById("clusters");
  if (!line || !list) return;
  line.hidden = false;
  document.getElementById("narrow").addEventListener("input", (event) => {
    const wanted = event.target.value.trim().toLowerCase();
    for (const one of list.children) one.hidden = !one.textContent.toLowerCase().includes(wanted);
  });
}

async function map() {
  const root = document.getElementById("map");
  if (!root) return;
  const answer = await fetch("/api/map");
  if (!answer.ok) return; // the list that stands there stays
  const { drawMap } = await import("/static/map.js");
  drawMap(root, await answer.json(), { ...JSON.parse(root.dataset.say), open: (id) => `/product/${encodeURIComponent(id)}` });
}

function saveLabels() {
  for (const form of document.querySelectorAll("form[data-label]")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const told = form.querySelector("output");
      const answer = await fetch(`/api/labels/${encodeURIComponent(form.dataset.label)}`, {
        method: "PUT",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ category: form.elements.category.value }),
      });
      const said = await answer.json();
      told.textContent = answer.ok ? `✓ ${said.given}` : said.error.message;
    });
  }
}

theme();
saveLabels();
map();
slash();
suggestShoppers();
narrowClusters();
