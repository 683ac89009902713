import { answerAws } from './aws.ts';
import type { CloudRequest, CloudResponse } from './exchange.ts';
import { answerGce, pollOf } from './gce.ts';
import type { LiveCloud } from './live.ts';
import type { CloudState } from './state.ts';

/** Answers as the metadata service of the state's cloud, at once. */
export function answerMetadata(state: CloudState, request: CloudRequest, now: number): CloudResponse {
  return state.cloud === 'aws'
    ? answerAws(state.machine, request, now)
    : answerGce(state.machine, request, now);
}

/**
 * Answers as the metadata service. On Compute Engine, `wait_for_change=true` waits until the ETag of the item differs from `last_etag`, or
 * without that from the ETag at arrival. After `timeout_sec` the unchanged item is the answer.
 */
export async function awaitMetadata(
  cloud: LiveCloud,
  request: CloudRequest,
  now: () => number,
  signal: AbortSignal,
): Promise<CloudResponse> {
  const poll = cloud.state().cloud === 'gce' ? pollOf(request) : undefined;
  let response = answerMetadata(cloud.state(), request, now());
  const known = poll?.lastEtag ?? response.headers.etag;
  const deadline = poll?.timeoutMs === undefined ? undefined : now() + poll.timeoutMs;
  while (poll !== undefined && response.status === 200 && response.headers.etag === known) {
    const left = deadline === undefined ? undefined : Math.max(0, deadline - now());
    if (!(await cloud.changed(left, signal))) break;
    response = answerMetadata(cloud.state(), request, now());
  }
  return response;
}
