// OpenAI's client for Node: generate, edit and vary, streams, every way to hand in a file, and its typed errors.
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import OpenAI, { toFile } from "openai";

const client = new OpenAI({ maxRetries: 0 });
const model = "gpt-image-1";
const prompt = "a red boat";
const photo = await readFile("photo.png");
const png = (bytes, name) => toFile(bytes, name, { type: "image/png" });

async function eventsOf(stream) {
  const events = [];
  for await (const event of await stream) events.push(event);
  return events;
}

async function errorOf(call) {
  try {
    await call;
    return {};
  } catch (error) {
    const { status, code, param, type, requestID, message } = error;
    return { name: error.constructor.name, status, code, param, type, requestID, message };
  }
}

const report = {
  generate: await client.images.generate({ model, prompt, size: "64x32", n: 2, quality: "low" }),
  link: await client.images.generate({ model: "dall-e-3", prompt, style: "vivid", response_format: "url" }),
  generate_stream: await eventsOf(
    client.images.generate({ model, prompt, size: "64x32", stream: true, partial_images: 2 }),
  ),
  edit: await client.images.edit({
    model,
    prompt,
    image: await png(photo, "photo.png"),
    mask: await png(await readFile("mask.png"), "mask.png"),
  }),
  edit_from_disk: await client.images.edit({
    model,
    prompt,
    image: [createReadStream("photo.png")],
    mask: createReadStream("mask.png"),
  }),
  edit_stream: await eventsOf(
    client.images.edit({ model, prompt, image: await png(photo, "photo.png"), stream: true, partial_images: 1 }),
  ),
  vary: await client.images.createVariation({ image: createReadStream("photo.png"), n: 2, size: "256x256" }),
  error: await errorOf(client.images.generate({ model: "dall-e-9", prompt })),
  unsafe: await errorOf(client.images.generate({ model, prompt: "a nude woman, gore and mutilation" })),
  stranger: await errorOf(new OpenAI({ apiKey: "wrong" }).models.list()),
};
process.stdout.write(JSON.stringify(report));
