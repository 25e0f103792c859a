// Event handler IDL attributes: `onopen`, `onmessage`, `onerror`, `onclose`.

/** The value of an attribute. An object that is not a function is kept, and never called. */
export type EventHandlerValue = object | null;

interface Entry {
  handler: object;
  readonly listener: (event: Event) => void;
}

/**
 * The event handlers of one target. A handler takes its place among the listeners when it is first
 * set, keeps it when it is replaced, and loses it when it is set to `null`.
 */
export class EventHandlers {
  readonly #target: EventTarget;
  readonly #entries = new Map<string, Entry>();

  /** @param target The object whose events the handlers get. */
  constructor(target: EventTarget) {
    this.#target = target;
  }

  /** The handler of an event type. */
  get(type: string): EventHandlerValue {
    return this.#entries.get(type)?.handler ?? null;
  }

  /** Sets the handler of an event type; anything that is not an object counts as `null`. */
  set(type: string, value: unknown): void {
    const handler = isObject(value) ? value : null;
    const entry = this.#entries.get(type);
    if (handler === null) {
      if (entry === undefined) return;
      this.#target.removeEventListener(type, entry.listener);
      this.#entries.delete(type);
    } else if (entry === undefined) this.#add(type, handler);
    else entry.handler = handler;
  }

  #add(type: string, handler: object): void {
    const entry: Entry = {
      handler,
      listener: (event) => {
        if (typeof entry.handler !== "function") return;
        const result: unknown = entry.handler.call(event.currentTarget, event);
        if (result === false) event.preventDefault();
      },
    };
    this.#entries.set(type, entry);
    this.#target.addEventListener(type, entry.listener);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "function" || typeof value === "object" && value !== null;
}
