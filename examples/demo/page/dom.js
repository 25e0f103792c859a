// Helpers for the DOM.

/** Returns an element that exists, without a check of its type. @param {string} id */
export function byId(id) {
  return document.getElementById(id);
}

/**
 * Creates an element. Sets its content as text, never as HTML. @param {string} name @param {string}
 * className @param {string} [text]
 */
export function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}
