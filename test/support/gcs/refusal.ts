/** An answer that is not a success, as the JSON API words it. */
export class Refusal extends Error {
  readonly status: number;
  readonly reason: string;
  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }

  get body(): string {
    const { status: code, message, reason } = this;
    return JSON.stringify({ error: { code, message, errors: [{ message, domain: 'global', reason }] } });
  }
}

/** A request that the service would refuse because it is malformed. No client of ours may send one. */
export class Violation extends Refusal {
  constructor(message: string, status = 400) {
    super(status, 'invalid', message);
  }
}

export const preconditionFailed = () =>
  new Refusal(412, 'conditionNotMet', 'At least one of the pre-conditions you specified did not hold.');
export const noSuchObject = (bucket: string, name: string) =>
  new Refusal(404, 'notFound', `No such object: ${bucket}/${name}`);
export const noSuchBucket = () => new Refusal(404, 'notFound', 'The specified bucket does not exist.');
export const forbidden = (permission: string, caller = 'publisher@example.iam.gserviceaccount.com') =>
  new Refusal(
    403,
    'forbidden',
    `${caller} does not have ${permission} access to the Google Cloud Storage object. Permission '${permission}' denied on resource (or it may not exist).`,
  );
