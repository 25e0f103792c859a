// The exports common to all entries besides `connect` and `serve`.

export * from "./errors.ts";
export type { CompressionCodec } from "./message/codec.ts";
export type { MessageCompression, MessageSlices } from "./message/message_compression.ts";
export type { PreparedMessage } from "./message/prepared_message.ts";
export type { CloseInfo } from "./session/end.ts";
export type {
  Backplane,
  BackplaneHistory,
  BackplaneQueueOptions,
  BackplaneSink,
  HistoryLimits,
  HistoryOptions,
  HistoryPage,
  NumberedMessage,
  ReadLimit,
} from "./backplane/backplane.ts";
export type { ProxyOption } from "./client/proxy.ts";
export type { ClientTopicsOptions } from "./pubsub/client_topics.ts";
export type { CompressionOptions } from "./connection/compression_options.ts";
export type { Connect, Serve } from "./entry.ts";
export type { ConnectOptions } from "./client/connect_options.ts";
export type { Connection } from "./connection/connection.ts";
export type { ReconnectingConnection, ReconnectingState } from "./reconnect/connection.ts";
export type {
  EitherConnectOptions,
  ReconnectingConnectOptions,
  ReconnectingUrl,
} from "./reconnect/connect.ts";
export type {
  ConnectionLoss,
  ReconnectingHandlers,
  ReconnectOptions,
} from "./reconnect/options.ts";
export type { TopicHandlers, TopicMessageInfo } from "./reconnect/subscriptions.ts";
export type { StreamSource } from "./reconnect/sender.ts";
export {
  type FragmentOptions,
  type OnSlow,
  prepareMessage,
  type PublishOptions,
  type PublishResult,
  type SendOptions,
  type StreamOptions,
} from "./connection/arguments.ts";
export type {
  AnyMessage,
  HandshakeInfo,
  Message,
  MessageData,
} from "./connection/connection_driver.ts";
export type {
  BinaryType,
  ConnectionOptions,
  DelayedWriteOptions,
  MessageOf,
  MessageTypeOptions,
  TextType,
} from "./connection/connection_options.ts";
export type { Handler, Handlers, LimitReport } from "./connection/handlers.ts";
export type { RateLimitOptions } from "./connection/rate_limit.ts";
export type { HeaderFieldsInit } from "./shared/check.ts";
export type { Origins } from "./server/admission.ts";
export type { ServeOptions } from "./server/serve_options.ts";
export type {
  Refusal,
  UpgradeAcceptance,
  UpgradeDataOption,
  UpgradeDecision,
  UpgradeRejection,
  UpgradeRequest,
  UpgradeResult,
  UpgradeResultWithData,
  UpgradeTls,
} from "./server/upgrade_hook.ts";
export type {
  BroadcastOptions,
  ConnectionGroup,
  ServerPublishOptions,
} from "./server/connection_group.ts";
export type { ShutdownOptions } from "./server/shutdown.ts";
export type { MemoryUse } from "./message/memory_governor.ts";
export type { ServerStats } from "./server/server_core.ts";
export type { Server } from "./server/serve.ts";
export type {
  DenoSockets,
  DialOptions,
  TlsClientOptions,
  TlsServerOptions,
  Transport,
  TransportSink,
} from "./transport/transport.ts";
export { CloseCode } from "./wire/close.ts";
export { type MessageOpcode, Opcode } from "./wire/opcode.ts";
