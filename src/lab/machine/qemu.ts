import { MACHINE, TAP } from './addresses.ts';

/** A disk's controller: EC2 has NVMe, Google Compute Engine NVMe or virtio-scsi. */
export type Controller = 'nvme' | 'virtio-scsi';

/** What to boot, and on what. */
export interface VirtualMachine {
  arch: 'arm64' | 'x86_64';
  /** A raw disk, which is written to. Undefined to start only the firmware. */
  disk?: { path: string; controller: Controller };
  /** Path of the firmware's variables, which are written to. */
  variables: string;
  memoryMiB: number;
  processors: number;
  /** Use the processor's virtualisation. */
  kvm: boolean;
  /** Strings for systemd in SMBIOS (systemd.system-credentials(7)). */
  credentials: Readonly<Record<string, string>>;
  /** Sockets of the serial console, of the probe, and of the control protocol (QMP). */
  sockets: { console: string; probe: string; control: string };
}

const PLATFORMS = {
  arm64: {
    program: 'qemu-system-aarch64',
    machine: 'virt,gic-version=3',
    // Graviton 2. QEMU emulates its instructions faster than those of its `max`, which include pointer authentication.
    processor: 'neoverse-n1',
    firmware: '/usr/share/AAVMF/AAVMF_CODE.no-secboot.fd',
    // With separate page tables, each system call empties the emulator's cache of addresses: a boot takes 1.6 times the processor time.
    kernel: 'kpti=off',
    // This firmware waits 5 s for a key, unless told a time in milliseconds.
    boot: ['-boot', 'menu=on,splash-time=1'],
  },
  x86_64: {
    program: 'qemu-system-x86_64',
    // With the HPET, timers of a second processor stop under emulation on a busy machine, and the kernel stalls.
    machine: 'q35,hpet=off',
    processor: 'max',
    firmware: '/usr/share/OVMF/OVMF_CODE_4M.fd',
    kernel: undefined,
    boot: [],
  },
} as const;

/** The firmware's initial variables. */
export const VARIABLES = {
  arm64: '/usr/share/AAVMF/AAVMF_VARS.fd',
  x86_64: '/usr/share/OVMF/OVMF_VARS_4M.fd',
} as const;

/** The command that boots a machine. Pure. */
export function qemuCommand(vm: VirtualMachine): string[] {
  const { program, machine, processor, firmware, kernel, boot } = PLATFORMS[vm.arch];
  const serial = Object.entries(vm.credentials).flatMap(([name, value]) => [
    '-smbios',
    `type=11,value=io.systemd.credential.binary:${name}=${Buffer.from(value).toString('base64')}`,
  ]);
  // systemd-stub appends it to the image's own command line.
  const extra = vm.kvm || kernel === undefined ? [] : [`io.systemd.stub.kernel-cmdline-extra=${kernel}`];
  return [
    program,
    ...['-machine', machine],
    ...(vm.kvm ? ['-accel', 'kvm', '-cpu', 'host'] : ['-accel', 'tcg,thread=multi', '-cpu', processor]),
    ...['-smp', String(vm.processors), '-m', String(vm.memoryMiB)],
    ...['-nodefaults', '-display', 'none', '-vga', 'none', '-no-reboot'],
    ...boot,
    ...['-drive', `if=pflash,format=raw,readonly=on,file=${firmware}`],
    ...['-drive', `if=pflash,format=raw,file=${vm.variables}`],
    ...(vm.disk === undefined ? [] : diskOptions(vm.disk)),
    ...['-netdev', `tap,id=net,ifname=${TAP},script=no,downscript=no`],
    ...['-device', `virtio-net-pci,netdev=net,mac=${MACHINE.mac},romfile=`],
    ...['-device', 'virtio-rng-pci'],
    ...[
      '-chardev',
      `socket,id=console,path=${vm.sockets.console},server=on,wait=on`,
      '-serial',
      'chardev:console',
    ],
    ...['-device', 'virtio-serial-pci'],
    ...['-chardev', `socket,id=probe,path=${vm.sockets.probe},server=on,wait=off`],
    ...['-device', 'virtserialport,chardev=probe,name=turnbuild.probe'],
    ...['-qmp', `unix:${vm.sockets.control},server=on,wait=off`],
    ...serial,
    ...extra.flatMap((text) => ['-smbios', `type=11,value=${text}`]),
  ];
}

function diskOptions({ path, controller }: NonNullable<VirtualMachine['disk']>): string[] {
  return [
    // A crash of the build machine may lose the disk, which is a copy.
    ...['-drive', `file=${path},format=raw,if=none,id=disk,cache=unsafe,discard=unmap`],
    // With a boot order, the firmware starts no other device, e.g. the network for PXE.
    ...(controller === 'nvme'
      ? ['-device', 'nvme,drive=disk,serial=turnbuild,bootindex=0']
      : ['-device', 'virtio-scsi-pci', '-device', 'scsi-hd,drive=disk,bootindex=0']),
  ];
}
