import type { InterfaceParameter, Service } from '@/api/types';

/** Where the examples send their requests. */
export interface Place {
  /** `http://host:port` of the platform. */
  origin: string;
  /** `host:port` of its gRPC. */
  grpc: string;
}

/** gRPC stands on the port after the page's, unless an administrator put it elsewhere. */
export function placeOf(location: Pick<Location, 'origin' | 'protocol' | 'hostname' | 'port'>): Place {
  const port = Number(location.port) || (location.protocol === 'https:' ? 443 : 80);
  return { origin: location.origin, grpc: `${location.hostname}:${port + 1}` };
}

export interface Snippet {
  code: string;
  /** What has to be installed first. */
  install?: string;
}

export type SnippetKind = 'curl' | 'python' | 'tritonHttp' | 'grpc';

/** The file that an example reads for an image. */
export function fileOf({ name }: InterfaceParameter): string {
  return `${name.replace(/[^\w-]/g, '_')}.png`;
}

/** The parameters that an example gives: those that must be. */
export function givenOf(service: Service): InterfaceParameter[] {
  const parameters = service.interface?.parameters ?? [];
  const required = parameters.filter((parameter) => parameter.required);
  return required.length ? required : parameters;
}

/** Asks for the password and keeps the token in the environment. Any shell can run it. */
export function tokenSnippet(place: Place, user: string): string {
  return [
    `export MODELYARD_TOKEN=$(python3 -c ${shell(
      [
        '',
        'import getpass, json, sys, urllib.request',
        'url, user = sys.argv[1:]',
        'body = json.dumps({"user_name": user, "password": getpass.getpass()})',
        'request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})',
        'print(json.load(urllib.request.urlopen(request))["token"])',
        '',
      ].join('\n'),
    )} ${shell(`${place.origin}/api/v1/sessions`)} ${shell(user)})`,
  ].join('\n');
}

/** Complete programs that ask the service; each reads the token from the environment. */
export function snippetsOf(service: Service, place: Place): Record<SnippetKind, Snippet> {
  const given = givenOf(service);
  const url = `${place.origin}/api/v1/services/${service.id}:predict`;
  const { protocol, host } = new URL(place.origin);
  const secure = protocol === 'https:';
  return {
    curl: { code: curl(given, url) },
    python: { code: python(given, url), install: 'pip install requests' },
    tritonHttp: {
      code: triton(given, service.id, { module: 'http', at: secure && !host.includes(':') ? `${host}:443` : host, secure }),
      install: "pip install 'tritonclient[http]'",
    },
    grpc: {
      code: triton(given, service.id, { module: 'grpc', at: place.grpc, secure }),
      install: "pip install 'tritonclient[grpc]'",
    },
  };
}

function isImage(parameter: InterfaceParameter): boolean {
  return parameter.type === 'image';
}

/** One word of a shell's command line. */
function shell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A text as Python writes it, which is how JSON does. */
function quoted(text: string): string {
  return JSON.stringify(text);
}

function curl(given: InterfaceParameter[], url: string): string {
  const post = [
    `curl -sS ${shell(url)}`,
    `-H "Authorization: Bearer $MODELYARD_TOKEN"`,
    `-H 'Content-Type: application/json'`,
  ].join(' \\\n  ');
  if (!given.some(isImage)) {
    const inputs = Object.fromEntries(given.map(({ name, test_value }) => [name, test_value]));
    return `${post} \\\n  -d ${shell(JSON.stringify({ instances: [{ inputs }] }))}`;
  }
  // The text between two images is written at once.
  const lines: string[] = [];
  let text = '{"instances": [{"inputs": {';
  given.forEach((parameter, at) => {
    text += `${at ? ', ' : ''}${quoted(parameter.name)}: `;
    if (isImage(parameter)) {
      lines.push(`printf %s ${shell(`${text}"`)}`, `base64 < ${fileOf(parameter)} | tr -d '\\n'`);
      text = '"';
    } else {
      text += quoted(parameter.test_value);
    }
  });
  lines.push(`printf %s ${shell(`${text}}}]}`)}`);
  return `{\n${lines.map((line) => `  ${line}\n`).join('')}} | ${post} \\\n  --data-binary @-`;
}

function python(given: InterfaceParameter[], url: string): string {
  const images = given.some(isImage);
  const inputs = given.map((parameter) => {
    const value = isImage(parameter)
      ? `base64.b64encode(Path(${quoted(fileOf(parameter))}).read_bytes()).decode()`
      : quoted(parameter.test_value);
    return `    ${quoted(parameter.name)}: ${value},`;
  });
  return [
    ...(images ? ['import base64'] : []),
    'import os',
    ...(images ? ['from pathlib import Path'] : []),
    '',
    'import requests',
    '',
    'inputs = {',
    ...inputs,
    '}',
    'answer = requests.post(',
    `    ${quoted(url)},`,
    '    headers={"Authorization": f"Bearer {os.environ[\'MODELYARD_TOKEN\']}"},',
    '    json={"instances": [{"inputs": inputs}]},',
    '    timeout=60,',
    ')',
    'answer.raise_for_status()',
    'for prediction in answer.json()["predictions"]:',
    '    print(prediction["label"], prediction["confidence"])',
  ].join('\n');
}

interface Target {
  module: 'http' | 'grpc';
  at: string;
  secure: boolean;
}

function triton(given: InterfaceParameter[], serviceId: string, { module, at, secure }: Target): string {
  const values = given.map((parameter) => {
    const value = isImage(parameter)
      ? `Path(${quoted(fileOf(parameter))}).read_bytes()`
      : `${quoted(parameter.test_value)}.encode()`;
    return `    ${quoted(parameter.name)}: ${value},`;
  });
  return [
    'import os',
    ...(given.some(isImage) ? ['from pathlib import Path'] : []),
    '',
    'import numpy',
    `from tritonclient.${module} import InferenceServerClient, InferInput`,
    '',
    'values = {',
    ...values,
    '}',
    'inputs = []',
    'for name, value in values.items():',
    '    tensor = InferInput(name, [1, 1], "BYTES")',
    '    tensor.set_data_from_numpy(numpy.array([[value]], dtype=object))',
    '    inputs.append(tensor)',
    '',
    `client = InferenceServerClient(${quoted(at)}${secure ? ', ssl=True' : ''})`,
    'headers = {"authorization": f"Bearer {os.environ[\'MODELYARD_TOKEN\']}"}',
    `answer = client.infer(${quoted(serviceId)}, inputs, headers=headers)`,
    'print(answer.as_numpy("label")[0, 0].decode(), answer.as_numpy("confidence")[0, 0])',
  ].join('\n');
}
