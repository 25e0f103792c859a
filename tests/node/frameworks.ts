// HTTP servers of different frameworks. Each serves a page at `/hello` and provides its `node:http`
// or `node:https` server, to which the tests add WebSockets.

import { serve } from "@hono/node-server";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import Koa from "koa";
import { createServer, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { Certificates } from "../support/certificates.ts";
import { type FrameworkName, greeting } from "./framework_names.ts";

/** Starts a server on a free port of 127.0.0.1. */
export type Start = (certificates: Certificates) => Promise<Server>;

function listening(server: Server): Promise<Server> {
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

/** Starts the server of each framework. */
export const frameworks: Record<FrameworkName, Start> = {
  "node:http": () =>
    listening(createServer((_, response) => void response.end(greeting("node:http")))),

  "node:https": ({ cert, key }) =>
    listening(
      createHttpsServer({ cert, key }, (_, response) => void response.end(greeting("node:https"))),
    ),

  Express() {
    const app = express();
    app.get("/hello", (_, response) => void response.send(greeting("Express")));
    return listening(createServer(app));
  },

  async Fastify() {
    const app = fastify();
    app.get("/hello", () => greeting("Fastify"));
    await app.listen({ host: "127.0.0.1", port: 0 });
    return app.server;
  },

  Koa() {
    const app = new Koa();
    app.use((context) => {
      context.body = greeting("Koa");
    });
    return listening(createServer(app.callback()));
  },

  Hono() {
    const app = new Hono();
    app.get("/hello", (context) => context.text(greeting("Hono")));
    return new Promise((resolve) => {
      const options = { fetch: app.fetch, hostname: "127.0.0.1", port: 0 };
      const server = serve(options, () => resolve(server as Server));
    });
  },
};
