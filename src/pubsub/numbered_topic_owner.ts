// Whom a topic whose messages are numbered tells what it has decided.

/** Who hands on what a topic decides. None of these throws. */
export interface NumberedTopicOwner<R extends object, M> {
  /** Hands a message to all that listen but those that join. */
  deliver(message: M): void;
  /** Hands a message to one that joins. */
  deliverTo(receiver: R, message: M): void;
  /** A receiver gets everything that comes after the number, or, without one, from here on. */
  subscribed(receiver: R, number: number | undefined): void;
  /** A receiver has missed some of what came before. */
  missed(receiver: R): void;
  /** All that listen have, but those that join. */
  missedByAll(): void;
  /** The history has to be read, as soon as that can be. */
  wantRead(): void;
  /** It is known where the topic stands, or will not be found out. */
  started(): void;
  /** More came than can be held while the history is read: the read has to be given up. */
  overflowed(): void;
  /** The numbers have gone back. */
  wentBack(): void;
}
