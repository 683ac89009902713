import type { Manifest } from '../manifest/schema.ts';

/** Says that images for EC2 have no SSM agent; empty if there are no such images. */
export function administrationNotice({ steps }: Pick<Manifest, 'steps'>): string[] {
  const bare = steps.filter(({ facts }) => facts?.ssmAgent === false);
  if (bare.length === 0) return [];
  return [
    "note: the image for EC2 has no SSM agent, so Session Manager cannot reach its machines. To install the agent, pass AWS's package: " +
      '--extra-package amazon-ssm-agent.deb@sha256:HEX',
  ];
}
