// Two helpers for the page's document.

/** The element of this id. It is known to be there, and of which kind. @param {string} id */
export function byId(id) {
  return document.getElementById(id);
}

/** Creates an element. Its content is set as text, never as HTML. @param {string} name @param {string} className @param {string} [text] */
export function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}
