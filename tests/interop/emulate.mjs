// Runs emulate's Slack for the contract suite: a seed comes as the first line on stdin, then lines that say where
// events go. Each is answered with one line of JSON on stdout. The end of stdin ends it.
//
// emulate has no door for event subscriptions of its Slack, so this takes its dispatcher when its plugin is set up.
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const api = process.argv[2];
const folder = dirname(api);
const module = readdirSync(folder).find(
  (name) => name.endsWith(".js") && readFileSync(join(folder, name), "utf8").includes("var slackPlugin ="),
);
const { slackPlugin } = await import(pathToFileURL(join(folder, module)));
const { createEmulator } = await import(pathToFileURL(api));

let webhooks;
const register = slackPlugin.register;
slackPlugin.register = (app, store, dispatcher, ...rest) => {
  webhooks = dispatcher;
  return register.call(slackPlugin, app, store, dispatcher, ...rest);
};

const say = (told) => process.stdout.write(JSON.stringify(told) + "\n");
let emulator;
for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  if (asked.seed) {
    emulator = await createEmulator({ service: "slack", port: 0, hostname: "127.0.0.1", seed: asked.seed });
    say({ url: emulator.url });
  } else {
    webhooks.register({ url: asked.url, events: asked.events, active: true, owner: "slack" });
    say({ registered: true });
  }
}
await emulator?.close();
