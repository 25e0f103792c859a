// graphql-ws: a query and a subscription.

import assert from "node:assert/strict";
import { GraphQLInt, GraphQLObjectType, GraphQLSchema, GraphQLString } from "graphql";
import { createClient } from "graphql-ws";
import { useServer } from "graphql-ws/use/ws";
import WebSocket, { WebSocketServer } from "ws";
import { assertQuickws, done, next } from "./support.mjs";

assertQuickws("graphql-ws");
const schema = new GraphQLSchema({
  query: new GraphQLObjectType({
    name: "Query",
    fields: { hello: { type: GraphQLString, resolve: () => "world" } },
  }),
  subscription: new GraphQLObjectType({
    name: "Subscription",
    fields: {
      count: {
        type: GraphQLInt,
        async *subscribe() {
          for (let i = 1; i <= 3; i++) yield { count: i };
        },
      },
    },
  }),
});
const wss = new WebSocketServer({ port: 0, path: "/graphql" });
useServer({ schema }, wss);
await next(wss, "listening");
const url = `ws://127.0.0.1:${wss.address().port}/graphql`;
const client = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0 });
const answers = [];
for await (const { data } of client.iterate({ query: "{ hello }" })) answers.push(data.hello);
for await (const { data } of client.iterate({ query: "subscription { count }" })) {
  answers.push(data.count);
}
assert.deepEqual(answers, ["world", 1, 2, 3]);
await client.dispose();
done();
