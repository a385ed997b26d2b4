# A server from its package to its end, as README.md tells it. Whatever fails ends it.
set -eu
export DEBIAN_FRONTEND=noninteractive HOME=/root TERM=xterm
step() { echo "== $*"; }
fails() { if "$@"; then echo "this should fail: $*"; exit 1; fi; }
# as somebody, from a new login: with the groups that they have by then
as() { runuser -u "$1" -- sh -c "cd /; $2"; }
# until a command succeeds
wait_for() {
  for _ in $(seq 600); do
    if sh -c "$1" >/dev/null 2>&1; then return 0; fi
    sleep 0.1
  done
  echo "in vain: $1"
  exit 1
}
package=$(echo /run/package/noctule_*.deb)

# what the host has of these names is none of this copy's
{
  dpkg -P noctule || true
  for name in ann bob jump noctule; do
    userdel --force "$name" || true
    rm -rf "/home/$name"
  done
  rm -rf /var/lib/noctule /var/log/noctule /etc/noctule
} >/dev/null 2>&1

step "the package is installed, and the engine runs"
dpkg -i "$package"
wait_for "systemctl is-active noctule.service"
systemctl is-active noctule.socket
[ "$(stat -c '%U %a' /etc/noctule)" = "noctule 700" ]
[ "$(stat -c '%U %a' /var/lib/noctule)" = "noctule 700" ]
[ "$(stat -c '%U %G %a' /run/noctule/noctule.sock)" = "noctule noctule 660" ]
[ "$(stat -c '%U %a' /run/noctule)" = "root 755" ]

step "the first user is root's to make, and reaches the engine through its group"
for name in ann bob; do useradd -m -s /bin/sh -p '*' "$name"; done
noctule user add ann --account ann
fails as ann "noctule device list" 2>/run/package/refused
grep -q 'usermod -aG noctule ann' /run/package/refused
usermod -aG noctule ann
usermod -aG noctule bob
as ann "noctule user add bob --account bob"
as ann "noctule role grant bob operator --within group:campus"
echo password=Tr0ub4dor | as ann "noctule device add core-1 127.0.0.9 group=campus --secrets-from -"
as ann "noctule device add edge-1 127.0.0.10"
[ "$(as bob 'noctule device list --json' | wc -l)" = 1 ]
fails as bob "noctule user list"

step "under the restrictions of its unit it probes, and writes where it must"
as ann "noctule doctor" | grep -q 'ICMP goes by raw sockets'
wait_for "runuser -u ann -- noctule pulse list | grep -q '^up .*core-1'"
as ann "noctule driver new acme_os"
[ "$(stat -c '%U' /etc/noctule/drivers/acme_os)" = noctule ]
as ann "noctule store backup"
fails as ann "noctule store backup --output /srv/copy" 2>/run/package/refused
grep -q ReadWritePaths /run/package/refused

step "people come over OpenSSH, one through a jump host"
if [ -x /usr/sbin/sshd ]; then
  useradd -m -s /bin/sh -p '*' jump
  mkdir -p /run/sshd
  ssh-keygen -q -t ed25519 -N '' -f /run/sshd/host
  for name in ann bob; do
    ssh-keygen -q -t ed25519 -N '' -f "/root/$name"
    install -D -m 644 "/root/$name.pub" "/run/sshd/keys/$name"
  done
  cp /root/bob.pub /run/sshd/keys/jump
  printf '%s\n' "HostKey /run/sshd/host" "AuthorizedKeysFile /run/sshd/keys/%u" "UsePAM no" >/run/sshd/config
  systemd-run --quiet --unit=sshd-of-test /usr/sbin/sshd -D -f /run/sshd/config
  printf '%s\n' "Host noc" "  HostName 127.0.0.1" "Host jump" "  HostName 127.0.0.2" "  User jump" \
    "  IdentityFile /root/bob" "Host *" "  UserKnownHostsFile /root/known" "  StrictHostKeyChecking no" "  LogLevel ERROR" \
    "  BatchMode yes" >/root/config
  wait_for "ssh -F /root/config -i /root/ann ann@noc true"
  [ "$(ssh -F /root/config -i /root/ann ann@noc noctule device list --json | wc -l)" = 2 ]
  [ "$(ssh -F /root/config -i /root/bob -J jump bob@noc noctule device list --json | wc -l)" = 1 ]
  ssh -F /root/config -i /root/ann ann@noc noctule login list --json | grep -q '127.0.0.1'
else
  echo "skipped: openssh-server is missing"
fi

step "a reload takes up a changed setting, and refuses a mistake"
sed -i 's/^#\[serve\]/[serve]/; s/^#trusted = .*/trusted = ["noc"]/' /etc/noctule/config.toml
systemctl reload noctule
wait_for "runuser -u ann -- noctule config show | grep -q 'serve.trusted.*noc'"
cp /etc/noctule/config.toml /run/good
echo 'nonsense = 1' >>/etc/noctule/config.toml
fails systemctl reload noctule
wait_for "journalctl -u noctule -p err --output=cat | grep -q nonsense"
cp /run/good /etc/noctule/config.toml
systemctl reload noctule

step "a console that is open survives kill -9, the end of the service and an upgrade"
printf '[Service]\nUser=ann\nEnvironment=TERM=xterm-256color\nExecStart=script -qfec noctule /dev/null\nStandardInput=null\n' \
  >/run/systemd/system/console-of-test.service
systemctl daemon-reload
systemctl start console-of-test
is_in="runuser -u ann -- noctule session list --json | grep -q '\"kind\":\"console\"'"
wait_for "$is_in"
process=$(systemctl show -P MainPID noctule)
kill -9 "$process"
wait_for "$is_in"
[ "$(systemctl show -P MainPID noctule)" != "$process" ]
# whoever comes to a service that is stopped starts it
systemctl stop noctule.service
as ann "noctule device list" >/dev/null
wait_for "$is_in"
process=$(systemctl show -P MainPID noctule)
dpkg -i --force-confold "$package"
[ "$(systemctl show -P MainPID noctule)" != "$process" ]
wait_for "$is_in"
grep -q '^trusted = \["noc"\]' /etc/noctule/config.toml
systemctl stop console-of-test

step "a copy is brought back"
systemctl stop noctule.socket noctule.service
fails as ann "noctule device list"
copy=$(ls -d /var/lib/noctule/store/backups/noctule-* | tail -n 1)
runuser -u noctule -- noctule --data /var/lib/noctule/store store restore "$copy"
systemctl start noctule.socket noctule.service
[ "$(as ann 'noctule device list --json' | wc -l)" = 2 ]
as ann "noctule audit verify"

step "systemd takes every line of the units, nothing broke down, and no secret is in the log"
journalctl _PID=1 --output=cat | grep -q 'Started noctule.service'
fails sh -c "journalctl _PID=1 --output=cat | grep -i 'noctule.*\\(unknown\\|ignor\\|deprecated\\|already exists\\)'"
fails sh -c "journalctl -u noctule --output=cat | grep -i 'broke down\\|panic'"
fails sh -c "journalctl --output=cat | grep Tr0ub4dor"

step "what is removed keeps the store"
dpkg -r noctule
fails systemctl is-active noctule.service
[ ! -e /run/noctule ]
dpkg -P noctule 2>/run/package/purged
grep -q '/var/lib/noctule is kept' /run/package/purged
[ -d /var/lib/noctule/store/journal ]
[ ! -e /etc/noctule/config.toml ]
echo "THE END"
