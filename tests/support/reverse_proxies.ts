// Starts nginx or haproxy from Debian packages in front of a local server, with or without TLS.
// Each configuration is the documented one, reduced to the settings that it needs to work.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TlsServerOptions } from "../../mod.ts";
import { ListeningProgram } from "./proxy_programs.ts";

/** Options of a proxy. */
export interface ReverseProxyOptions {
  /** The target port on `127.0.0.1`. */
  readonly to: number;
  /** The certificate to present to clients. Default: plain HTTP. */
  readonly certificates?: TlsServerOptions | undefined;
}

/** The part of a test that a proxy needs. */
export interface ProxyScope {
  /** A directory that no other test uses. */
  readonly directory: string;
  /** Registers a function to call when the test ends. */
  after(cleanUp: () => void | Promise<void>): void;
}

let files = 0;

function writeFile({ directory }: ProxyScope, name: string, text: string): string {
  const path = join(directory, `${++files}-${name}`);
  writeFileSync(path, text);
  return path;
}

/** Starts nginx. */
export function startNginx(
  scope: ProxyScope,
  { to, certificates }: ReverseProxyOptions,
): Promise<ListeningProgram> {
  const tls = certificates && `
    ssl_certificate ${writeFile(scope, "cert.pem", certificates.cert)};
    ssl_certificate_key ${writeFile(scope, "key.pem", certificates.key)};`;
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${scope.directory};`).join("\n  ");
  return ListeningProgram.start(scope, "nginx", "127.0.0.1", (port) => {
    const configuration = `daemon off;
master_process off;
pid ${scope.directory}/nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  ${temporary}
  server {
    listen 127.0.0.1:${port}${tls === undefined ? "" : " ssl"};${tls ?? ""}
    location / {
      proxy_pass http://127.0.0.1:${to};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
      proxy_set_header Host $http_host;
    }
  }
}
`;
    return ["-p", scope.directory, "-c", writeFile(scope, "nginx.conf", configuration)];
  });
}

/** Starts haproxy. */
export function startHaproxy(
  scope: ProxyScope,
  { to, certificates }: ReverseProxyOptions,
): Promise<ListeningProgram> {
  const both = certificates && writeFile(scope, "both.pem", certificates.cert + certificates.key);
  return ListeningProgram.start(scope, "haproxy", "127.0.0.1", (port) => {
    const configuration = `defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h
frontend front
  bind 127.0.0.1:${port}${both === undefined ? "" : ` ssl crt ${both}`}
  default_backend back
backend back
  server one 127.0.0.1:${to}
`;
    return ["-db", "-f", writeFile(scope, "haproxy.cfg", configuration)];
  });
}
