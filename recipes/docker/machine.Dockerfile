# Disk images of machines. Docker stages:
#   image    installs a package in a root of its distribution, and makes a bootable disk of it
#   boot     an image for the build platform in which disks are booted
#
# Named contexts, as in Dockerfile: base, target, inputs. All tools are the build platform's own; QEMU runs only
# the foreign programs that maintainer scripts call.

# OCI name of the target's architecture.
ARG TARGET_OCI_ARCH=unset
# Which apt and shells the target's root uses: its `own`, or for a foreign root the build platform's, `native` (see native/tools.sh).
ARG TOOLS=own

FROM --platform=linux/$TARGET_OCI_ARCH target AS foreign-root

# A new state of the archive brings Go's security updates into the agent.
FROM --platform=$BUILDPLATFORM base AS agent-compiler
ARG ARCHIVE_STATE
RUN apt-get update -q -o APT::Update::Error-Mode=any && \
    apt-get install -qy --no-install-recommends golang-go && \
    apt-get clean && rm -rf /var/lib/apt/lists/*

# Tests and documents are dropped in a stage of their own, so that changing them rebuilds no image. Keep in step with DROPPED
# in src/plan/dockerfile.ts.
FROM --platform=$BUILDPLATFORM base AS agent-source
COPY machine/agent/ /agent/
RUN cd /agent && rm -r testdata internal/clouds && find . '(' -name '*_test.go' -o -name '*.md' ')' -delete

FROM agent-compiler AS agent
ARG DEB_ARCH
COPY machine/agent.sh /turnbuild/
COPY --from=agent-source /agent/ /agent/
RUN sh /turnbuild/agent.sh /agent /out

# The agent's tests, on the build platform.
FROM agent-compiler AS agent-test
COPY machine/rootfs/ /machine/rootfs/
COPY machine/agent.sh /machine/
COPY machine/agent/ /machine/agent/
RUN cd /machine/agent && export CGO_ENABLED=0 GOPROXY=off GOTOOLCHAIN=local GOCACHE=/tmp/go && \
    unformatted=$(gofmt -l .) && [ -z "$unformatted" ] || { echo "gofmt: $unformatted"; exit 1; } && \
    go vet ./... && go test ./...

FROM --platform=$BUILDPLATFORM base AS disk-tools
ARG DEB_ARCH
ARG ARCHIVE_STATE
COPY machine/tools.sh /turnbuild/
RUN sh /turnbuild/tools.sh

# The tools of the disk include programs that maintainer scripts call. Under QEMU, depmod alone would take as long as everything else.
FROM disk-tools AS native-tools
ARG DEB_ARCH
ARG NATIVE_TRIPLE
COPY native/tools.sh /turnbuild/
RUN --mount=type=bind,from=foreign-root,target=/target \
    LATER='depmod journalctl openssl sqlite3 systemctl systemd-machine-id-setup systemd-sysusers systemd-tmpfiles' sh /turnbuild/tools.sh

FROM target AS machine-root-own
ARG DEB_ARCH
ARG QEMU_CPU
ARG KERNEL
ARG SYSTEM_PACKAGES
ARG ARCHIVE_STATE
RUN --mount=type=bind,from=inputs,source=/packages,target=/inputs \
    --mount=type=bind,source=machine/root.sh,target=/turnbuild/root.sh \
    sh /turnbuild/root.sh

FROM target AS machine-root-native
ARG DEB_ARCH
ARG QEMU_CPU
ARG KERNEL
ARG SYSTEM_PACKAGES
ARG NATIVE_TRIPLE
ARG ARCHIVE_STATE
RUN --mount=type=bind,from=inputs,source=/packages,target=/inputs \
    --mount=type=bind,source=machine/root.sh,target=/turnbuild/root.sh \
    --mount=type=bind,from=native-tools,source=/native,target=/native \
    --mount=type=bind,from=native-tools,source=/usr/lib/$NATIVE_TRIPLE,target=/usr/lib/$NATIVE_TRIPLE \
    --mount=type=bind,from=native-tools,source=/native/bin/bash,target=/usr/bin/bash \
    --mount=type=bind,from=native-tools,source=/native/bin/dash,target=/usr/bin/dash \
    --mount=type=bind,from=native-tools,source=/native/bin/perl,target=/usr/bin/perl \
    --mount=type=bind,from=native-tools,source=/native/bin/sqv,target=/usr/bin/sqv \
    sh /turnbuild/root.sh

FROM machine-root-$TOOLS AS machine-root

FROM disk-tools AS image-run
ARG DEB_ARCH
ARG SOURCE_DATE_EPOCH
ARG MODULES
ARG MASKED
ARG ENABLED
ARG OVERLAYS
ARG TIME_SERVER
ARG EFI_NAME
ARG REPART_ARCH
ARG CONSOLE
ARG DISK_MIB
ARG SEED
ARG DISK_FORMAT
COPY machine/assemble.sh machine/compress.sh machine/disk.sh machine/initrd.sh machine/scan.sh /turnbuild/
COPY machine/rootfs/ /turnbuild/overlays/rootfs/
COPY machine/overlays/ /turnbuild/overlays/
COPY --from=agent /out/ /turnbuild/agent/
COPY --from=inputs /agent.json /turnbuild/
RUN --mount=type=bind,from=machine-root,target=/target sh /turnbuild/assemble.sh && sh /turnbuild/disk.sh && \
    { sh /turnbuild/scan.sh & sh /turnbuild/compress.sh && wait $!; }

FROM scratch AS image
COPY --from=image-run /out/ /

# The container in which images are booted: for any architecture, because QEMU emulates the whole machine.
FROM --platform=$BUILDPLATFORM base AS boot
ARG DEB_ARCH
ARG ARCHIVE_STATE
RUN apt-get update -q -o APT::Update::Error-Mode=any && \
    case $DEB_ARCH in arm64) qemu='qemu-system-arm qemu-efi-aarch64' ;; amd64) qemu='qemu-system-x86 ovmf' ;; esac && \
    apt-get install -qy --no-install-recommends $qemu dnsmasq-base iproute2 libcap2-bin nftables nodejs openssh-client openssl tcpdump zstd && \
    apt-get clean && rm -rf /var/lib/apt/lists/*
