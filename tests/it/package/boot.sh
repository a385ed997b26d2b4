# boot.sh FOLDER: systemd as PID 1 of a copy of this host (an overlay, which goes with it), in namespaces that the caller has
# made: mount, pid, net, uts, ipc. It runs FOLDER/steps.sh as a service, and ends with it. 77 where the host forbids what it
# needs.
set -u
folder=$1
root=$folder/root
need() { "$@" || { echo "skipped: $*"; exit 77; }; }

need mount --make-rprivate /
# a branch of the tree of control groups that is nobody else's
need mount -t cgroup2 cgroup2 "$folder/groups"
branch=$folder/groups/noctule$(basename "$folder")
need mkdir "$branch"
need sh -c "echo $$ >'$branch/cgroup.procs'"
need mount -t tmpfs tmpfs "$root"
mkdir "$root/upper" "$root/work" "$root/new"
need mount -t overlay overlay -o "lowerdir=/,upperdir=$root/upper,workdir=$root/work" "$root/new"
root=$root/new
cd "$root" || exit 77
need mount -t proc proc proc
need mount --bind proc/sys proc/sys
need mount -o remount,bind,ro proc/sys
need mount -t tmpfs -o mode=755 tmpfs dev
for name in null zero full random urandom tty; do
  touch "dev/$name"
  need mount --bind "/dev/$name" "dev/$name"
done
mkdir dev/pts dev/shm
need mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for place in dev/shm run tmp; do need mount -t tmpfs -o mode=755 tmpfs "$place"; done
chmod 1777 tmp dev/shm
mkdir -p run/package
need mount --bind "$folder" run/package

# nothing of the host's own services: the basic system, and the steps
rm -f etc/fstab etc/systemd/system/*.wants/*
# what images of containers forbid to packages, and what takes long and is not looked at
rm -f usr/sbin/policy-rc.d var/lib/man-db/auto-update
cat >etc/systemd/system/steps.service <<'UNIT'
[Service]
Type=oneshot
ExecStart=/bin/sh /run/package/steps.sh
ExecStopPost=/bin/systemctl --no-block exit
StandardOutput=file:/run/package/said
StandardError=inherit
UNIT
cat >etc/systemd/system/package.target <<'UNIT'
[Unit]
Requires=basic.target
Wants=steps.service
After=basic.target
AllowIsolate=yes
UNIT
exec unshare --cgroup sh -c '
  mount -t sysfs -o ro sysfs sys && mount -t cgroup2 cgroup2 sys/fs/cgroup || { echo "skipped: no control groups"; exit 77; }
  mkdir -p run/old && pivot_root . run/old && umount -l /run/old || { echo "skipped: pivot_root"; exit 77; }
  exec env -i container=noctule PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    /lib/systemd/systemd --unit=package.target --show-status=no'
