import { domainOf } from './aws-machine.ts';
import { answerAwsSecrets, awsServiceOf } from './aws-secrets.ts';
import type { CloudRequest, CloudResponse } from './exchange.ts';
import { answerGoogleSecrets, GOOGLE_SECRETS_HOST } from './google-secrets.ts';
import type { CloudState } from './state.ts';

/** Answers as the services that hold secrets. The host name selects the service, as the certificate does on the real ones. */
export function answerServices(state: CloudState, request: CloudRequest, now: number): CloudResponse {
  const host = (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  if (state.cloud === 'gce')
    return host === GOOGLE_SECRETS_HOST
      ? answerGoogleSecrets(state.machine, state.secrets, request, now)
      : MISDIRECTED;
  const service = awsServiceOf(host, state.machine.region);
  return service === undefined
    ? MISDIRECTED
    : answerAwsSecrets(state.machine, state.secrets, service, request, now);
}

/** The host names of the services that hold secrets. */
export function serviceHosts({ cloud, machine }: CloudState): string[] {
  return cloud === 'gce'
    ? [GOOGLE_SECRETS_HOST]
    : ['ssm', 'secretsmanager'].map((name) => `${name}.${machine.region}.${domainOf(machine.region)}`);
}

/** RFC 9110, 15.5.20. A client that asks the wrong host or region must not be answered. */
const MISDIRECTED: CloudResponse = { status: 421, headers: {}, body: '' };
