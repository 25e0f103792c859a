// What the option `clientTopics` puts around a connection whose client listens to topics by itself.

import type { ChannelLayer } from "../connection/channel.ts";
import type { ClientTopicsRules } from "./client_topics.ts";
import { LabelledSender } from "./labelled_sender.ts";
import { TopicRequests } from "./topic_requests.ts";

/** The layer, for all connections of a server. */
export function clientTopicsLayer<T>(rules: ClientTopicsRules<T>): ChannelLayer<T> {
  return {
    rules: rules.connection,
    events: (channel, events) => new TopicRequests(channel, channel.topics!, events, rules),
    sender: (sender) => new LabelledSender(sender),
  };
}
