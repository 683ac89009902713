import type { AwsMachine } from './aws-machine.ts';
import type { AwsSecrets } from './aws-secrets.ts';
import type { FaultRule } from './behaviour.ts';
import type { GceMachine } from './gce-machine.ts';
import type { GoogleSecrets } from './google-secrets.ts';

/** Everything that a simulated cloud answers from. It is data, so that it can be sent to another process. */
export type CloudState =
  | {
      readonly cloud: 'aws';
      readonly machine: AwsMachine;
      readonly secrets: AwsSecrets;
      readonly faults: readonly FaultRule[];
    }
  | {
      readonly cloud: 'gce';
      readonly machine: GceMachine;
      readonly secrets: GoogleSecrets;
      readonly faults: readonly FaultRule[];
    };
