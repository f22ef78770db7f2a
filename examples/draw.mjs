// Ten lines of Node: OpenAI's own client, drawn for by `limner serve` (npm install openai).
import { writeFile } from "node:fs/promises";
import OpenAI from "openai";

const baseURL = process.env.OPENAI_BASE_URL ?? "http://127.0.0.1:8000/v1";
const client = new OpenAI({ baseURL, apiKey: "none" });
const prompt = "A cute puppy playing with a ball in the park";
const answer = await client.images.generate({ model: "gpt-image-1", prompt });
await writeFile("puppy.png", Buffer.from(answer.data[0].b64_json, "base64"));
