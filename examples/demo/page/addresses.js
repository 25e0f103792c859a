// The addresses of the page's own server.

const scheme = location.protocol === "https:" ? "wss" : "ws";

/** The identifier of this tab, on all its connections. */
export const tab = crypto.randomUUID();

/** The room of all tabs. */
export const room = `${scheme}://${location.host}/room?tab=${tab}`;

/**
 * The addresses to choose from, by name.
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

/** Sends the tab's identifier, so that the server can report its measurements to this tab. @param {string} text */
export function withTab(text) {
  const url = new URL(text);
  if (url.hostname === location.hostname) url.searchParams.set("tab", tab);
  return String(url);
}

/** The URL in its usual form. @param {string} text */
export function withoutTab(text) {
  const url = new URL(text);
  url.searchParams.delete("tab");
  return String(url);
}
