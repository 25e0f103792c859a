// What every entry for users exports beside its `connect` and `serve`.

export * from "./errors.ts";
export type { MessageCompression } from "./message/message_compression.ts";
export type { PreparedMessage } from "./message/prepared_message.ts";
export type { CloseInfo } from "./session/close_info.ts";
export type {
  Backplane,
  BackplaneHistory,
  BackplaneQueueOptions,
  BackplaneSink,
  HistoryPage,
  NumberedMessage,
  ResumeOptions,
} from "./pubsub/backplane.ts";
export type { ProxyOption } from "./socket/proxy_url.ts";
export type { CompressionOptions } from "./socket/compression_options.ts";
export type { ConnectOptions } from "./socket/connect_options.ts";
export type { Connection, HandshakeInfo } from "./socket/connection.ts";
export type { SendOptions } from "./socket/send_options.ts";
export type { Message } from "./socket/connection_link.ts";
export type { ConnectionOptions, DelayedWriteOptions } from "./socket/connection_options.ts";
export type { Handlers } from "./socket/handlers.ts";
export type { OnSlow, PublishOptions, PublishResult } from "./socket/publish_options.ts";
export type {
  HeaderFieldsInit,
  Origins,
  ServeOptions,
  UpgradeAcceptance,
  UpgradeDecision,
  UpgradeRejection,
  UpgradeRequest,
} from "./socket/serve_options.ts";
export { prepareMessage } from "./socket/prepare.ts";
export type {
  BroadcastOptions,
  ConnectionGroup,
  ServerPublishOptions,
  ShutdownOptions,
} from "./socket/connection_group.ts";
export type { Server } from "./socket/server.ts";
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
