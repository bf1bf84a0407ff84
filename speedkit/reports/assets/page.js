(() => {
  const root = document.documentElement;
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const set = (on) => root.classList.toggle("dark", on);
  prefersDark.addEventListener("change", (event) => set(event.matches));
  document.getElementById("theme").addEventListener("click", () => set(!root.classList.contains("dark")));

  const figures = JSON.parse(document.getElementById("figures").textContent);
  const draw = (element) => {
    const figure = figures[Number(element.id.slice("figure-".length)) - 1];
    element.replaceChildren();
    Plotly.newPlot(element, figure.data, figure.layout, { responsive: true, displayModeBar: false });
  };
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      near.unobserve(entry.target);
      draw(entry.target);
    }
  }, { rootMargin: "800px" });
  for (const element of document.querySelectorAll(".figure")) near.observe(element);

  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
  const read = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const link of links.values()) link.removeAttribute("aria-current");
      links.get(entry.target.id)?.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-20% 0px -75% 0px" });
  for (const section of document.querySelectorAll("main > section")) read.observe(section);

  let wasDark = false;
  addEventListener("beforeprint", () => { wasDark = root.classList.contains("dark"); set(false); });
  addEventListener("afterprint", () => set(wasDark));
})();
