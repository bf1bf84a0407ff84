(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const set = (on) => root.classList.toggle("dark", on);
  set(dark.matches);
  dark.addEventListener("change", (event) => set(event.matches));
  document.getElementById("theme").addEventListener("click", () => set(!root.classList.contains("dark")));
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const draw = (element, figure) => Plotly.newPlot(element, figure.data, figure.layout, { responsive: true, displayModeBar: false });
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      seen.unobserve(entry.target);
      draw(entry.target, figures[Number(entry.target.id.slice("figure-".length)) - 1]);
    }
  }, { rootMargin: "800px" });
  const all = document.querySelectorAll(".figure");
  for (const element of all) seen.observe(element);
  addEventListener("beforeprint", () => { for (const element of all) if (!element.firstChild) draw(element, figures[Number(element.id.slice("figure-".length)) - 1]); });
})();
