import { describe, expect, it } from 'vitest';
import { githubPlace } from '../support/github/place.ts';
import { packagedRelease } from '../support/packaged-release.ts';

describe('turnbuild publish --to github', () => {
  it('publishes a release', async () => {
    const { github, out, publish } = await githubPlace();
    packagedRelease(out);
    const { code, stdout, stderr } = await publish(['--verbose']);
    console.log(stdout, stderr, github.requests);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    console.log(JSON.stringify(github.repository.summary(), null, 1));
    const again = await publish();
    console.log(again);
  });
});
