// The URLs of the page's own server.

const scheme = location.protocol === "https:" ? "wss" : "ws";

/** The identifier that this tab uses on all its connections. */
export const tab = crypto.randomUUID();

/** The URL of the chat room. */
export const room = `${scheme}://${location.host}/room?tab=${tab}`;

/**
 * Returns the URLs that the user can choose, by name.
 *
 * @param {number} compressedPort
 * @returns {Record<string, string>}
 */
export function addresses(compressedPort) {
  return {
    echo: `${scheme}://${location.host}/`,
    compressed: `${scheme}://${location.hostname}:${compressedPort}/`,
    refused: `${scheme}://${location.host}/refused`,
    goodbye: `${scheme}://${location.host}/goodbye`,
  };
}

/**
 * Adds the tab's identifier to a URL, so that the server can report its measurements to this tab.
 * @param {string} text
 */
export function withTab(text) {
  const url = new URL(text);
  if (url.hostname === location.hostname) url.searchParams.set("tab", tab);
  return String(url);
}

/** Removes the tab's identifier from a URL. @param {string} text */
export function withoutTab(text) {
  const url = new URL(text);
  url.searchParams.delete("tab");
  return String(url);
}
