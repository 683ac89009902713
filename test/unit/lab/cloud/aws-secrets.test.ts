import { describe, expect, it } from 'vitest';
import type { AwsMachine } from '../../../../src/lab/cloud/aws-machine.ts';
import type { AwsSecrets } from '../../../../src/lab/cloud/aws-secrets.ts';
import type { CloudRequest } from '../../../../src/lab/cloud/exchange.ts';
import { answerServices } from '../../../../src/lab/cloud/services.ts';
import { AWS_MACHINE, CREDENTIALS, NOW, sign, textOf } from '../../../support/cloud.ts';

const SECRETS: AwsSecrets = {
  parameters: [
    { name: '/turn/secret', type: 'SecureString', value: 'value of the parameter', version: 3 },
    { name: '/turn/plain', type: 'String', value: 'plain', version: 1 },
  ],
  secrets: [
    { name: 'turn/key', suffix: 'AbCdEf', value: '{"key":"value"}', previousValue: 'old' },
    { name: 'gone', suffix: 'AbCdEf', value: 'gone', isDeleted: true },
  ],
  refusals: {},
};
const ARN = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:turn/key-AbCdEf';
const ACTIONS = { ssm: 'AmazonSSM.GetParameter', secretsmanager: 'secretsmanager.GetSecretValue' };
type Service = keyof typeof ACTIONS;

const call = (service: Service, body: string, headers: Record<string, string> = {}): CloudRequest => ({
  method: 'POST',
  path: '/',
  query: '',
  body,
  headers: {
    host: `${service}.eu-central-1.amazonaws.com`,
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-date': '20261127T120000Z',
    'x-amz-security-token': CREDENTIALS.sessionToken,
    'x-amz-target': ACTIONS[service],
    ...headers,
  },
});
const signed = (service: Service, request: CloudRequest) =>
  sign(request, CREDENTIALS, { region: 'eu-central-1', service });
function answer(request: CloudRequest, secrets = SECRETS, machine: AwsMachine = AWS_MACHINE) {
  const response = answerServices({ cloud: 'aws', machine, secrets, faults: [] }, request, NOW);
  const text = textOf(response);
  return { status: response.status, ...(text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)) };
}
const ask = (service: Service, input: unknown, secrets?: AwsSecrets) =>
  answer(signed(service, call(service, JSON.stringify(input))), secrets);
const refusing = (refusals: AwsSecrets['refusals']) => ({ ...SECRETS, refusals });

describe("SSM's GetParameter", () => {
  it('returns a parameter', () =>
    expect(ask('ssm', { Name: '/turn/secret', WithDecryption: true })).toEqual({
      status: 200,
      Parameter: {
        ARN: 'arn:aws:ssm:eu-central-1:123456789012:parameter/turn/secret',
        DataType: 'text',
        LastModifiedDate: (NOW - 60_000) / 1000,
        Name: '/turn/secret',
        Type: 'SecureString',
        Value: 'value of the parameter',
        Version: 3,
      },
    }));

  it.each(['arn:aws:ssm:eu-central-1:123456789012:parameter/turn/secret', '/turn/secret:3'])(
    'by %s',
    (Name) =>
      expect(ask('ssm', { Name, WithDecryption: true })).toMatchObject({
        Parameter: { Name: '/turn/secret' },
      }),
  );

  it.each([undefined, false, 'true'])('returns ciphertext if WithDecryption is %s', (WithDecryption) => {
    expect(JSON.stringify(ask('ssm', { Name: '/turn/secret', WithDecryption }))).toContain('"Value":"AQICAH');
    expect(ask('ssm', { Name: '/turn/plain', WithDecryption })).toMatchObject({
      Parameter: { Value: 'plain' },
    });
  });

  it.each([
    [{ Name: '/absent' }, 'ParameterNotFound'],
    [{ Name: '/turn' }, 'ParameterNotFound'],
    [{ Name: 'arn:aws:ssm:us-east-1:123456789012:parameter/turn/secret' }, 'ParameterNotFound'],
    [{ Name: '/turn/secret:2' }, 'ParameterVersionNotFound'],
    [{ Name: '/turn secret' }, 'ValidationException'],
    [{ Name: 7 }, 'ValidationException'],
    [{}, 'ValidationException'],
    [[], 'SerializationException'],
  ])('answers %j with %s', (input, __type) =>
    expect(ask('ssm', input)).toMatchObject({ status: 400, __type }),
  );
});

describe("Secrets Manager's GetSecretValue", () => {
  it.each(['turn/key', ARN, ARN.replace(/-AbCdEf$/, '')])('returns a secret by %s', (SecretId) =>
    expect(ask('secretsmanager', { SecretId })).toMatchObject({
      status: 200,
      ARN,
      Name: 'turn/key',
      SecretString: '{"key":"value"}',
      VersionStages: ['AWSCURRENT'],
    }),
  );

  it('returns the previous version, which has another id', () => {
    const previous = ask('secretsmanager', { SecretId: ARN, VersionStage: 'AWSPREVIOUS' });
    expect(previous).toMatchObject({ SecretString: 'old', VersionStages: ['AWSPREVIOUS'] });
    expect(previous).not.toMatchObject({
      VersionId: (ask('secretsmanager', { SecretId: ARN }) as { VersionId?: string }).VersionId,
    });
  });

  it.each([
    [{ SecretId: 'absent' }, 'ResourceNotFoundException'],
    [{ SecretId: ARN.replace('AbCdEf', 'AAAAAA') }, 'ResourceNotFoundException'],
    [{ SecretId: ARN.replace('eu-central-1', 'us-east-1') }, 'ResourceNotFoundException'],
    [{ SecretId: ARN, VersionStage: 'other' }, 'ResourceNotFoundException'],
    [{ SecretId: 'gone' }, 'InvalidRequestException'],
    [{ SecretId: '' }, 'ValidationException'],
    [{}, 'ValidationException'],
  ])('answers %j with %s', (input, __type) =>
    expect(ask('secretsmanager', input)).toMatchObject({ status: 400, __type }),
  );
});

describe('both', () => {
  it.each([
    ['ssm', '/turn/secret', { Name: '/turn/secret' }, 'parameter/turn/secret'],
    ['secretsmanager', 'turn/key', { SecretId: ARN }, ARN],
  ] as const)('refuse on demand: %s', (service, name, input, resource) => {
    for (const refusals of [{ [name]: 'denied' }, { '*': 'denied' }] as const) {
      const denied = ask(service, input, refusing(refusals));
      expect(denied).toMatchObject({ status: 400, __type: 'AccessDeniedException' });
      expect(String((denied as { message?: string }).message)).toContain(
        `arn:aws:sts::123456789012:assumed-role/turn/i-0123456789abcdef0 is not authorized to perform: ${service}:`,
      );
      expect(String((denied as { message?: string }).message)).toContain(resource);
    }
    const throttled = ask(service, input, refusing({ '*': 'throttled' }));
    expect(throttled).toEqual({ status: 400, __type: 'ThrottlingException', message: 'Rate exceeded' });
    expect(ask(service, input, refusing({ '/other': 'denied' })).status).toBe(200);
  });

  it('check the signature before anything else', () => {
    const request = call('ssm', '{"Name":"/turn/secret"}');
    expect(answer(request)).toMatchObject({ status: 400, __type: 'MissingAuthenticationTokenException' });
    const other = sign(request, CREDENTIALS, { region: 'eu-central-1', service: 'secretsmanager' });
    expect(answer(other, refusing({ '*': 'denied' }))).toMatchObject({ __type: 'InvalidSignatureException' });
  });

  it('know no credentials without a role', () => {
    const { role: _, ...bare } = AWS_MACHINE;
    const request = signed('ssm', call('ssm', '{"Name":"/turn/secret"}'));
    expect(answer(request, SECRETS, bare)).toMatchObject({ __type: 'UnrecognizedClientException' });
  });

  it.each([
    ['another action', { ...call('ssm', '{}', { 'x-amz-target': 'AmazonSSM.PutParameter' }) }],
    ["the other service's action", { ...call('ssm', '{}', { 'x-amz-target': ACTIONS.secretsmanager }) }],
    ['another content type', call('ssm', '{}', { 'content-type': 'application/json' })],
    ['another path', { ...call('ssm', '{}'), path: '/x' }],
    ['a query', { ...call('ssm', '{}'), query: 'Action=GetParameter' }],
    ['GET', { ...call('ssm', '{}'), method: 'GET' }],
  ])('do not know %s', (_, request) =>
    expect(answer(signed('ssm', request))).toMatchObject({
      status: 400,
      __type: 'UnknownOperationException',
    }),
  );

  it('do not understand other bodies', () => {
    for (const body of ['', '{', '"text"', 'null'])
      expect(answer(signed('ssm', call('ssm', body)))).toMatchObject({ __type: 'SerializationException' });
  });

  it('answer only on their hosts', () => {
    for (const host of [
      'ssm.us-east-1.amazonaws.com',
      'ssm.eu-central-1.amazonaws.com.cn',
      'secretmanager.googleapis.com',
      '169.254.169.254',
    ])
      expect([host, answer(signed('ssm', call('ssm', '{}', { host }))).status]).toEqual([host, 421]);
    const withPort = call('ssm', '{"Name":"/turn/plain"}', { host: 'SSM.eu-central-1.amazonaws.com:443' });
    expect(answer(signed('ssm', withPort)).status).toBe(200);
  });
});
