// The light or dark theme. It follows the system's preference until the user presses the button.

import { byId } from "./dom.js";

/** @param {() => void} changed Called when the colors change. */
export function followTheme(changed) {
  const { dataset } = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const chosen = localStorage.getItem("theme");
  if (chosen !== null) dataset.theme = chosen;
  dark.addEventListener("change", changed);
  byId("theme").addEventListener("click", () => {
    const now = dataset.theme ?? (dark.matches ? "dark" : "light");
    dataset.theme = now === "dark" ? "light" : "dark";
    localStorage.setItem("theme", dataset.theme);
    changed();
  });
  changed();
}
