import { expect, test } from 'vitest';

import type { InterfaceParameter, Service } from '@/api/types';

import { placeOf, snippetsOf, tokenSnippet } from './snippets';

const PLACE = { origin: 'http://yard:18000', grpc: 'yard:18001' };

function serviceOf(...parameters: Partial<InterfaceParameter>[]): Service {
  const complete = parameters.map((one) => ({
    name: 'text',
    type: 'text',
    required: true,
    test_value: '',
    description: '',
    ...one,
  }));
  return { id: 'svc-1', interface: { parameters: complete } } as Service;
}

test('gRPC is looked for on the next port', () => {
  expect(placeOf(new URL('http://yard:18000/services/svc-1')).grpc).toBe('yard:18001');
  expect(placeOf(new URL('https://yard.example/')).grpc).toBe('yard.example:444');
});

test('a text cannot leave the quotes that it stands in', () => {
  const { curl, python } = snippetsOf(serviceOf({ test_value: `it's "$HOME"\n` }), PLACE);
  expect(curl.code).toContain(String.raw`{"text":"it'\''s \"$HOME\"\n"}`);
  expect(python.code).toContain(String.raw`"text": "it's \"$HOME\"\n",`);
});

test('an image is read from a file, other parameters stand beside it', () => {
  const { curl, python, grpc } = snippetsOf(
    serviceOf({ name: 'left image', type: 'image' }, { name: 'text', test_value: '好' }),
    PLACE,
  );
  expect(curl.code).toContain("base64 < left_image.png | tr -d '\\n'");
  expect(curl.code).toContain(`printf %s '", "text": "好"}}]}'`);
  expect(python.code).toContain('"left image": base64.b64encode(Path("left_image.png").read_bytes()).decode()');
  expect(grpc.code).toContain('InferenceServerClient("yard:18001")');
});

test('parameters that may be left out are', () => {
  const { python } = snippetsOf(serviceOf({}, { name: 'hint', required: false }), PLACE);
  expect(python.code).not.toContain('hint');
});

test('over HTTPS the clients of Triton are told so, with the port', () => {
  const { tritonHttp } = snippetsOf(serviceOf({}), { origin: 'https://yard.example', grpc: 'yard.example:444' });
  expect(tritonHttp.code).toContain('InferenceServerClient("yard.example:443", ssl=True)');
});

test('the token is asked for in the name of the user', () => {
  expect(tokenSnippet(PLACE, "o'neil")).toContain(String.raw`'http://yard:18000/api/v1/sessions' 'o'\''neil')`);
});
