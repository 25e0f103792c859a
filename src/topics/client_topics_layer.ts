// What the option `clientTopics` puts around a connection whose client subscribes to topics itself.

import type { DriverLayer } from "../connection/driver.ts";
import { labelled, labelledBytes, labelledText } from "../connection/labelled_message.ts";
import type { ClientTopicsRules } from "./client_topics.ts";
import { TopicNotices } from "./topic_notices.ts";
import { TopicRequests } from "./topic_requests.ts";

/** The layer, for all connections of a server: each message is sent behind a line. */
export function clientTopicsLayer<T>(rules: ClientTopicsRules<T>): DriverLayer<T> {
  return {
    rules: rules.connection,
    events: (driver, events) => new TopicRequests(driver, driver.topics!, events, rules),
    listener: (send) => new TopicNotices(send),
    text: labelledText,
    bytes: labelledBytes,
    prepared: labelled,
  };
}
