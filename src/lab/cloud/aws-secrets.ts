import { createHash } from 'node:crypto';
import { type AwsMachine, domainOf, partitionOf } from './aws-machine.ts';
import type { Refusal } from './behaviour.ts';
import type { CloudRequest, CloudResponse } from './exchange.ts';
import { type AwsProblem, signatureProblem } from './sigv4.ts';

/** A parameter of SSM. `name` begins with a slash. */
export interface Parameter {
  readonly name: string;
  readonly type: 'String' | 'SecureString';
  readonly value: string;
  readonly version: number;
}

/** A secret of Secrets Manager. */
export interface ManagedSecret {
  readonly name: string;
  /** The six random characters at the end of its ARN. */
  readonly suffix: string;
  readonly value: string;
  readonly previousValue?: string;
  /** Deletion is scheduled, so the value cannot be read. */
  readonly isDeleted?: boolean;
}

export interface AwsSecrets {
  readonly parameters: readonly Parameter[];
  readonly secrets: readonly ManagedSecret[];
  /** By name, or `*` for all. */
  readonly refusals: Readonly<Record<string, Refusal>>;
}

/** The action that a request asks for. Other actions of the two services are not simulated. */
const ACTIONS = {
  ssm: { target: 'AmazonSSM.GetParameter', permission: 'ssm:GetParameter' },
  secretsmanager: { target: 'secretsmanager.GetSecretValue', permission: 'secretsmanager:GetSecretValue' },
} as const;
type Service = keyof typeof ACTIONS;

/** The AWS service that a host name belongs to. Undefined for other hosts, and for those of another region. */
export function awsServiceOf(host: string, region: string): Service | undefined {
  return (['ssm', 'secretsmanager'] as const).find(
    (name) => host === `${name}.${region}.${domainOf(region)}`,
  );
}

/**
 * Answers as SSM's GetParameter and Secrets Manager's GetSecretValue, in AWS JSON 1.1. Sources: the API references of both services, and the
 * signing guide.
 */
export function answerAwsSecrets(
  machine: AwsMachine,
  secrets: AwsSecrets,
  service: Service,
  request: CloudRequest,
  now: number,
): CloudResponse {
  const { target } = ACTIONS[service];
  const isCall = request.method === 'POST' && request.path === '/' && request.query === '';
  if (!isCall || request.headers['content-type'] !== 'application/x-amz-json-1.1')
    return failure({ type: 'UnknownOperationException', message: '' });
  // Without a role the instance has no credentials that could be right.
  if (machine.role === undefined)
    return failure({
      type: 'UnrecognizedClientException',
      message: 'The security token included in the request is invalid.',
    });
  const signer = { credentials: machine.role.credentials, region: machine.region, service };
  const problem = signatureProblem(request, signer, now);
  if (problem !== undefined) return failure(problem);
  if (request.headers['x-amz-target'] !== target)
    return failure({ type: 'UnknownOperationException', message: '' });
  const input = parse(request.body);
  if (input === undefined) return failure({ type: 'SerializationException', message: '' });
  return service === 'ssm' ? getParameter(machine, secrets, input) : getSecretValue(machine, secrets, input);
}

function getParameter(machine: AwsMachine, secrets: AwsSecrets, input: Input): CloudResponse {
  const { Name: asked, WithDecryption: decrypts } = input;
  const prefix = `${arnStart(machine, 'ssm')}:parameter`;
  const [, path, version] = /^((?:arn:[\w:-]+:parameter)?[\w./-]+)(?::(\d+))?$/.exec(String(asked)) ?? [];
  if (typeof asked !== 'string' || path === undefined)
    return failure({ type: 'ValidationException', message: 'Invalid parameter name.' });
  const name = path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path;
  const refusal = refused(machine, secrets, 'ssm', name, `${prefix}${name}`);
  if (refusal !== undefined) return refusal;
  const parameter = secrets.parameters.find((each) => each.name === name);
  if (parameter === undefined) return failure({ type: 'ParameterNotFound', message: '' });
  if (version !== undefined && Number(version) !== parameter.version)
    return failure({ type: 'ParameterVersionNotFound', message: '' });
  const isCiphertext = parameter.type === 'SecureString' && decrypts !== true;
  return success({
    Parameter: {
      ARN: `${prefix}${parameter.name}`,
      DataType: 'text',
      LastModifiedDate: machine.launched / 1000,
      Name: parameter.name,
      Type: parameter.type,
      Value: isCiphertext
        ? `AQICAH${createHash('sha512').update(parameter.value).digest('base64')}`
        : parameter.value,
      Version: parameter.version,
    },
  });
}

function getSecretValue(machine: AwsMachine, secrets: AwsSecrets, input: Input): CloudResponse {
  const { SecretId: asked, VersionStage: stage = 'AWSCURRENT' } = input;
  if (typeof asked !== 'string' || asked === '')
    return failure({ type: 'ValidationException', message: 'Invalid secret ID.' });
  const prefix = `${arnStart(machine, 'secretsmanager')}:secret:`;
  const arn = ({ name, suffix }: ManagedSecret) => `${prefix}${name}-${suffix}`;
  // A name, a whole ARN, or an ARN without its suffix.
  const secret = secrets.secrets.find((each) =>
    [each.name, arn(each), `${prefix}${each.name}`].includes(asked),
  );
  const resource = secret === undefined ? asked : arn(secret);
  const refusal = refused(machine, secrets, 'secretsmanager', secret?.name ?? asked, resource);
  if (refusal !== undefined) return refusal;
  if (secret?.isDeleted === true)
    return failure({
      type: 'InvalidRequestException',
      message: "You can't perform this operation on the secret because it was marked for deletion.",
    });
  const value = { AWSCURRENT: secret?.value, AWSPREVIOUS: secret?.previousValue }[String(stage)];
  if (secret === undefined || value === undefined)
    return failure({
      type: 'ResourceNotFoundException',
      message:
        secret === undefined
          ? "Secrets Manager can't find the specified secret."
          : `Secrets Manager can't find the specified secret value for staging label: ${String(stage)}`,
    });
  return success({
    ARN: arn(secret),
    CreatedDate: machine.launched / 1000,
    Name: secret.name,
    SecretString: value,
    VersionId: versionId(value),
    VersionStages: [stage],
  });
}

function refused(
  machine: AwsMachine,
  secrets: AwsSecrets,
  service: Service,
  name: string,
  resource: string,
): CloudResponse | undefined {
  const refusal = secrets.refusals[name] ?? secrets.refusals['*'];
  if (refusal === undefined) return undefined;
  if (refusal === 'throttled') return failure({ type: 'ThrottlingException', message: 'Rate exceeded' });
  const role = `arn:${partitionOf(machine.region)}:sts::${machine.accountId}:assumed-role/${machine.role?.name}`;
  const { permission } = ACTIONS[service];
  return failure({
    type: 'AccessDeniedException',
    message: `User: ${role}/${machine.instanceId} is not authorized to perform: ${permission} on resource: ${resource} because no identity-based policy allows the ${permission} action`,
  });
}

type Input = Readonly<Record<string, unknown>>;

function parse(body: string): Input | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Input)
      : undefined;
  } catch {
    return undefined;
  }
}

const arnStart = ({ region, accountId }: AwsMachine, service: Service) =>
  `arn:${partitionOf(region)}:${service}:${region}:${accountId}`;

/** Changes with the value, as each rotation makes a new version. */
function versionId(value: string): string {
  const digits = createHash('sha256').update(value).digest('hex');
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
}

const HEADERS = { 'content-type': 'application/x-amz-json-1.1' };

const success = (value: unknown): CloudResponse => ({
  status: 200,
  headers: HEADERS,
  body: JSON.stringify(value),
});

/** Client errors of AWS JSON 1.1 have status 400, whatever they mean. */
const failure = ({ type, message }: AwsProblem): CloudResponse => ({
  status: 400,
  headers: HEADERS,
  body: JSON.stringify({ __type: type, ...(message === '' ? {} : { message }) }),
});
