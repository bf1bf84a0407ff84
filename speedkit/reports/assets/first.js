document.documentElement.classList.toggle("dark", matchMedia("(prefers-color-scheme: dark)").matches);
