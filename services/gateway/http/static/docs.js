"use strict";

let api = null;
let token = "";

const make = (tag, props = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...children);
  return node;
};

const resolve = (schema) => {
  const path = schema && schema.$ref;
  return path ? path.slice(2).split("/").reduce((at, key) => at[key], api) : schema || {};
};

const typeName = (schema) => {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.type === "array") return `[${typeName(schema.items || {})}]`;
  return [schema.type || "any", schema.format].filter(Boolean).join(" ");
};

const limits = (schema) =>
  ["minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minItems",
    "maxItems", "enum"].filter((key) => schema[key] !== undefined).map((key) => `${key}: ${schema[key]}`).join(" · ");

const example = (schema, depth = 0) => {
  const found = resolve(schema);
  if (found.enum) return found.enum[Math.min(1, found.enum.length - 1)];
  if (found.type === "array") return depth > 2 ? [] : [example(found.items, depth + 1)];
  if (found.type === "object") {
    const entries = Object.entries(found.properties || {});
    return depth > 2 ? {} : Object.fromEntries(entries.map(([name, one]) => [name, example(one, depth + 1)]));
  }
  return { string: "", integer: 0, number: 0, boolean: false }[found.type] ?? null;
};

const fieldTable = (rows) => {
  const table = make("table");
  for (const [name, schema, where, required] of rows) {
    const input = where === "body" ? "" : make("input", { name, ariaLabel: name });
    if (input) input.dataset.where = where;
    const text = make("div", { className: "quiet", textContent: [schema.description, limits(schema)].filter(Boolean).join("\n") });
    table.append(make("tr", {}, make("td", {}, make("code", { textContent: name + (required ? " *" : "") })),
      make("td", { textContent: `${typeName(schema)} (${where})` }), make("td", {}, text), make("td", {}, input)));
  }
  return table;
};

const send = async (verb, path, panel) => {
  const output = panel.querySelector("pre.answer");
  const query = new URLSearchParams();
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  let address = path;
  for (const input of panel.querySelectorAll("input[data-where]")) {
    if (!input.value) continue;
    if (input.dataset.where === "path") address = address.replace(`{${input.name}}`, encodeURIComponent(input.value));
    if (input.dataset.where === "query") query.append(input.name, input.value);
    if (input.dataset.where === "header") headers[input.name] = input.value;
  }
  const body = panel.querySelector("textarea");
  if (body) headers["Content-Type"] = "application/json";
  const abort = new AbortController();
  panel.querySelector("button.stop").onclick = () => abort.abort();
  output.textContent = "…";
  try {
    const url = address + (query.size ? `?${query}` : "");
    const answer = await fetch(url, { method: verb, headers, body: body ? body.value : undefined, signal: abort.signal });
    output.textContent = `HTTP ${answer.status}\n`;
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) output.textContent += piece.value;
  } catch (error) {
    output.textContent += `\n${error}`;
  }
};

const operation = (path, verb, shared, one) => {
  const head = make("summary", {}, make("span", { className: "verb", textContent: verb.toUpperCase() }),
    make("code", { textContent: path }), ` — ${one.summary || ""}`);
  const panel = make("details", {}, head);
  panel.dataset.text = `${verb} ${path} ${one.summary} ${one.tags}`.toLowerCase();
  panel.addEventListener("toggle", () => {
    if (panel.dataset.filled) return;
    panel.dataset.filled = "yes";
    if (one.description) panel.append(make("p", { className: "quiet", textContent: one.description }));
    const rows = [...shared, ...(one.parameters || [])].map((p) => [p.name, p.schema, p.in, p.required]);
    const media = one.requestBody && one.requestBody.content["application/json"];
    const body = media && resolve(media.schema);
    for (const [name, schema] of Object.entries((body && body.properties) || {})) {
      rows.push([name, schema, "body", (body.required || []).includes(name)]);
    }
    panel.append(fieldTable(rows));
    if (media) panel.append(make("textarea", { ariaLabel: "body", value: JSON.stringify(example(media.schema), null, 2) }));
    const go = make("button", { textContent: "Send", onclick: () => send(verb.toUpperCase(), path, panel) });
    panel.append(make("p", {}, go, " ", make("button", { className: "stop", textContent: "Stop" })));
    const success = Object.values(one.responses)[0];
    const kind = Object.values(success.content || {})[0];
    const schema = kind && (kind["x-event-schema"] || kind.schema);
    if (schema) panel.append(make("pre", { textContent: `${typeName(schema)}\n${JSON.stringify(example(schema), null, 2)}` }));
    panel.append(make("pre", { className: "answer", ariaLive: "polite" }));
  });
  return panel;
};

const show = () => {
  document.getElementById("about").textContent = api.info.description;
  const main = document.getElementById("operations");
  main.replaceChildren();
  for (const tag of api.tags) {
    const section = make("section", {}, make("h2", { textContent: tag.name }),
      make("p", { className: "quiet", textContent: tag.description }));
    for (const [path, item] of Object.entries(api.paths)) {
      for (const [verb, one] of Object.entries(item)) {
        if (verb !== "parameters" && one.tags[0] === tag.name) section.append(operation(path, verb, item.parameters || [], one));
      }
    }
    main.append(section);
  }
};

document.getElementById("filter").addEventListener("input", (event) => {
  const wanted = event.target.value.toLowerCase();
  for (const panel of document.querySelectorAll("details")) panel.hidden = !panel.dataset.text.includes(wanted);
});

document.getElementById("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const body = JSON.stringify({ user_name: form.get("user"), password: form.get("password") });
  const answer = await fetch("api/v1/sessions", { method: "POST", headers: { "Content-Type": "application/json" }, body });
  const found = await answer.json();
  token = found.token || "";
  document.getElementById("who").textContent = token ? `Signed in as ${found.user.name}` : found.error.message;
});

fetch("openapi.json").then((answer) => answer.json()).then((found) => { api = found; show(); });
