// The map of the catalog: a point a product, on a canvas; zoom by wheel, buttons or + and -, move by dragging or arrows.

const COLOURS = [
  "#12806a", "#d1662b", "#4f6fd0", "#c2437f", "#8a7a1e", "#7a52b8", "#2f93b8", "#b5473c", "#5d8a2a", "#a8619f", "#3f6b63", "#b98a2f",
];

function ramp(share) {
  const stops = [[68, 84, 140], [38, 140, 132], [122, 186, 72], [236, 196, 48]]; // low to high
  const at = Math.min(share * 3, 2.999);
  const [from, to] = [stops[Math.floor(at)], stops[Math.floor(at) + 1]];
  const rest = at - Math.floor(at);
  return `rgb(${from.map((one, place) => Math.round(one + (to[place] - one) * rest)).join(",")})`;
}

function element(tag, attributes = {}, text = "") {
  const made = Object.assign(document.createElement(tag), attributes);
  if (text) made.textContent = text;
  return made;
}

export function drawMap(root, data, say) {
  const n = data.x.length;
  const canvas = element("canvas", { tabIndex: 0 });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", say.label);
  const tip = element("div", { className: "map-tip", hidden: true });
  const choose = element("select", { id: "map-colour" });
  for (const [value, text] of say.colours) choose.append(element("option", { value }, text));
  const label = element("label", { htmlFor: "map-colour" }, say.colour);
  const buttons = [["+", say.closer, 1.6], ["−", say.farther, 1 / 1.6]].map(([text, name, factor]) => {
    const button = element("button", { type: "button", className: "tool" }, text);
    button.setAttribute("aria-label", name);
    button.addEventListener("click", () => zoom(factor, canvas.clientWidth / 2, canvas.clientHeight / 2));
    return button;
  });
  const bar = element("div", { className: "map-bar" });
  bar.append(label, choose, ...buttons);
  const legend = element("ul", { className: "map-legend" });
  const stage = element("div", { className: "map-stage" });
  stage.append(canvas, tip);
  root.replaceChildren(bar, stage, legend);

  const view = { scale: 1, x: 0, y: 0 };
  let colours = [];
  let groups = [];
  let drawing = 0;

  function colour() {
    const by = choose.value;
    if (by === "price") {
      const known = data.price.filter((one) => one !== null).sort((a, b) => a - b);
      const at = (value) => { let low = 0, high = known.length; while (low < high) { const middle = (low + high) >> 1; if (known[middle] < value) low = middle + 1; else high = middle; } return low / Math.max(known.length - 1, 1); };
      colours = data.price.map((one) => (one === null ? "#9995" : ramp(Math.min(at(one), 1))));
      const told = known.length ? [0, 0.25, 0.5, 0.75, 1].map((share) => [known[Math.round(share * (known.length - 1))].toLocaleString(undefined, { maximumFractionDigits: 2 }), ramp(share)]) : [];
      show(told);
    } else {
      const codes = by === "brand" ? data.brand : data.cluster;
      const names = by === "brand" ? data.brands : data.clusters.map((one) => one.name);
      const counts = new Array(names.length).fill(0);
      for (const code of codes) if (code >= 0) counts[code] += 1;
      const order = counts.map((count, code) => [count, code]).sort((a, b) => b[0] - a[0]);
      const place = new Array(names.length);
      order.forEach(([, code], rank) => { place[code] = rank; });
      const of = (code) => (code < 0 || (by === "brand" && place[code] >= COLOURS.length) ? "#9998" : COLOURS[place[code] % COLOURS.length]);
      colours = codes.map(of);
      show(order.slice(0, COLOURS.length).map(([count, code]) => [`${names[code]} (${count.toLocaleString()})`, of(code)]));
    }
    const by_colour = new Map();
    colours.forEach((one, row) => { if (!by_colour.has(one)) by_colour.set(one, []); by_colour.get(one).push(row); });
    groups = [...by_colour];
    draw();
  }

  function show(told) {
    legend.replaceChildren(...told.map(([text, shade]) => {
      const item = element("li");
      const box = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      box.setAttribute("viewBox", "0 0 10 10");
      box.setAttribute("aria-hidden", "true");
      const dot = document.createElementNS("http://www.w3.org/2000/svg", "circle");
      for (const [name, value] of [["cx", 5], ["cy", 5], ["r", 5], ["fill", shade], ["stroke", "none"]]) dot.setAttribute(name, value);
      box.append(dot);
      item.append(box, document.createTextNode(text));
      return item;
    }));
  }

  function fit() {
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
    draw();
  }

  const size = () => Math.min(canvas.clientWidth, canvas.clientHeight);
  const px = (row) => ((data.x[row] / 65535 - 0.5) * view.scale + 0.5) * size() + view.x + (canvas.clientWidth - size()) / 2;
  const py = (row) => ((data.y[row] / 65535 - 0.5) * view.scale + 0.5) * size() + view.y + (canvas.clientHeight - size()) / 2;

  function draw() {
    cancelAnimationFrame(drawing);
    drawing = requestAnimationFrame(() => {
      const pen = canvas.getContext("2d");
      const ratio = window.devicePixelRatio || 1;
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
      const dot = Math.max(1.2, Math.min(7, (0.6 * size() * Math.sqrt(view.scale)) / Math.sqrt(n)));
      pen.globalAlpha = 0.75;
      for (const [shade, rows] of groups) {
        pen.fillStyle = shade;
        for (const row of rows) {
          const x = px(row), y = py(row);
          if (x > -9 && y > -9 && x < canvas.clientWidth + 9 && y < canvas.clientHeight + 9) pen.fillRect(x - dot / 2, y - dot / 2, dot, dot);
        }
      }
    });
  }

  function zoom(factor, x, y) {
    const scale = Math.min(200, Math.max(1, view.scale * factor));
    const kept = scale / view.scale;
    const [midX, midY] = [canvas.clientWidth / 2, canvas.clientHeight / 2];
    view.x = (x - midX) * (1 - kept) + view.x * kept;
    view.y = (y - midY) * (1 - kept) + view.y * kept;
    view.scale = scale;
    if (scale === 1) view.x = view.y = 0;
    draw();
  }

  function nearest(x, y) {
    let best = -1, least = 100; // at most ten pixels away
    for (let row = 0; row < n; row += 1) {
      const [dx, dy] = [px(row) - x, py(row) - y];
      const gap = dx * dx + dy * dy;
      if (gap < least) { least = gap; best = row; }
    }
    return best;
  }

  function hover(event) {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const row = nearest(x, y);
    tip.hidden = row < 0;
    canvas.dataset.row = row;
    if (row < 0) return;
    const cluster = data.clusters[data.cluster[row]];
    const lines = [data.titles[row] || data.ids[row], cluster ? cluster.name : "", data.brand[row] >= 0 ? data.brands[data.brand[row]] : "", data.price[row] === null ? "" : data.price[row].toLocaleString()];
    tip.replaceChildren(...lines.filter(Boolean).map((text, at) => element(at ? "span" : "strong", {}, text)));
    tip.style.left = `${Math.min(x + 14, canvas.clientWidth - 220)}px`;
    tip.style.top = `${y + 14}px`;
  }

  let from = null;
  canvas.addEventListener("pointerdown", (event) => { from = [event.clientX - view.x, event.clientY - view.y, event.clientX, event.clientY]; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", (event) => {
    if (!from) { hover(event); return; }
    view.x = event.clientX - from[0];
    view.y = event.clientY - from[1];
    tip.hidden = true;
    draw();
  });
  canvas.addEventListener("pointerup", (event) => {
    const still = from && Math.hypot(event.clientX - from[2], event.clientY - from[3]) < 4;
    from = null;
    if (still && say.open && Number(canvas.dataset.row) >= 0) location.href = say.open(data.ids[canvas.dataset.row]);
  });
  canvas.addEventListener("pointerleave", () => { tip.hidden = true; });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const box = canvas.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY / 400), event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] };
    if (moves[event.key]) { view.x += moves[event.key][0]; view.y += moves[event.key][1]; draw(); }
    else if (event.key === "+" || event.key === "=") zoom(1.6, canvas.clientWidth / 2, canvas.clientHeight / 2);
    else if (event.key === "-") zoom(1 / 1.6, canvas.clientWidth / 2, canvas.clientHeight / 2);
    else return;
    event.preventDefault();
  });
  choose.addEventListener("change", colour);
  new ResizeObserver(fit).observe(canvas);
  colour();
}
