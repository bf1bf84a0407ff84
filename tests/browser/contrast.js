// The texts in an element whose contrast against what lies behind them is below a limit (WCAG 2, 1.4.3).
([root, limit]) => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const over = (colours) => {
    pen.clearRect(0, 0, 1, 1);
    for (const colour of colours) {
      pen.fillStyle = colour;
      pen.fillRect(0, 0, 1, 1);
    }
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((value) => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const poor = new Map();
  const walker = document.createTreeWalker(document.querySelector(root), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.data.trim();
    const box = element.getBoundingClientRect();
    if (!text || element.closest("option, style, .skw-said") || box.width < 2 || getComputedStyle(element).visibility === "hidden") continue;
    if (element.closest(":disabled")) continue;
    const behind = [];
    for (let place = element; place; place = place.parentElement) behind.unshift(getComputedStyle(place).backgroundColor);
    const back = over(["#fff", ...behind]);
    const front = over([`rgb(${back})`, getComputedStyle(element).color]);
    const [dark, bright] = [light(front), light(back)].sort((a, b) => a - b);
    const ratio = (bright + 0.05) / (dark + 0.05);
    if (ratio < limit) poor.set(`${text.slice(0, 30)} (${element.className || element.tagName})`, Math.round(ratio * 100) / 100);
  }
  return Object.fromEntries(poor);
}
