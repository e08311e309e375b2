// The panel on "Try it live": sends a request for a file of this site and shows
// what was asked, what was answered, and what that means.

const form = document.getElementById("ask");
const file = document.getElementById("file");
const asked = document.getElementById("asked");
const answered = document.getElementById("answered");
const meaning = document.getElementById("meaning");

// The entity-tag that each file had when it was last answered.
const tags = new Map();

// The fields that the panel shows, in the order in which it shows them.
const shown = [
  "content-type", "content-length", "content-range", "content-encoding", "etag", "last-modified",
  "cache-control", "accept-ranges", "vary", "server", "date",
];

const requests = {
  get: () => ({ method: "GET", fields: {} }),
  again: (tag) => ({ method: "GET", fields: { "If-None-Match": tag } }),
  range: () => ({ method: "GET", fields: { Range: "bytes=0-99" } }),
  head: () => ({ method: "HEAD", fields: {} }),
  json: () => ({ method: "GET", fields: { Accept: "application/json" } }),
};

async function ask(kind) {
  const path = file.value;
  if (kind === "again" && !tags.has(path)) {
    meaning.textContent = "Your browser does not have this file from here yet. Get it first.";
    return;
  }
  const { method, fields } = requests[kind](tags.get(path));
  asked.textContent = head(`${method} ${new URL(path, location.href).pathname}`, Object.entries(fields));
  answered.textContent = "…";

  // With no-store the browser's own cache keeps out, and the server's answer is
  // what we see.
  let response;
  let bytes;
  const start = performance.now();
  try {
    response = await fetch(path, { method, headers: fields, cache: "no-store" });
    bytes = (await response.arrayBuffer()).byteLength;
  } catch (err) {
    answered.textContent = "";
    meaning.textContent = `There was no answer: ${err.message}.`;
    return;
  }
  const elapsed = performance.now() - start;

  const got = shown.filter((name) => response.headers.has(name)).map((name) => [name, response.headers.get(name)]);
  answered.textContent = head(`${response.status} ${response.statusText}`.trim(), got);
  if (response.ok && response.headers.has("etag")) {
    tags.set(path, response.headers.get("etag"));
  }
  meaning.textContent = `${explain(method, response, bytes)} It took ${elapsed.toFixed(1)} ms.`;
}

function head(first, fields) {
  const name = (s) => s.replace(/(^|-)[a-z]/g, (c) => c.toUpperCase()).replace("Etag", "ETag");
  return [first, ...fields.map(([key, value]) => `${name(key)}: ${value}`)].join("\n");
}

function explain(method, response, bytes) {
  const size = new Intl.NumberFormat("en").format(bytes);
  const coding = response.headers.get("content-encoding");
  switch (response.status) {
    case 200:
      if (method === "HEAD") {
        return "The fields that the file would come with, without the file.";
      }
      return coding
        ? `The whole file, ${size} bytes, sent compressed with ${coding}.`
        : `The whole file, ${size} bytes.`;
    case 206:
      return `A part of the file, ${size} bytes. Content-Range says which, and how long the whole is.`;
    case 304:
      return "The file has not changed. The answer has no body: your browser has the file already.";
    case 404:
      return "There is no such file.";
    default:
      return "That was not expected here. The status says what went wrong.";
  }
}

form.addEventListener("click", (event) => {
  if (event.target instanceof HTMLButtonElement) {
    ask(event.target.value);
  }
});
file.addEventListener("change", () => ask("get"));
form.addEventListener("submit", (event) => event.preventDefault());
form.hidden = false;
ask("get");
