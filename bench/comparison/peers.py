# SPDX-License-Identifier: Apache-2.0
"""Who is compared: each server's programs, configuration and folder, or why it is missing."""
import hashlib
import os
import shutil
import subprocess

from processes import Processes, free_port

KEY, SECRET = "compare", "compare-secret"  # of the administrator who sets the policy of a bucket on this run's servers

NO_KERNEL_TLS = "this kernel has no TLS (sluice probe)"


class Peer:
    """A server of the comparison. missing: why it is not there, or None once it is."""

    can_upload = False
    is_plain = False  # without TLS
    is_kernel = False  # its records are sealed by the kernel

    def __init__(self, name, about, place):
        self.name, self.about, self.place = name, about, place
        self.port = free_port()
        self.root = os.path.join(place.tmp, "roots", name)
        self.processes = Processes(os.path.join(place.tmp, name + ".log"))
        self.missing = None

    def prepare(self):
        """None, or why it cannot be had here. Nothing has been started."""
        return None

    def run(self):
        """Starts its programs."""
        raise NotImplementedError

    def finish(self):
        """What is left to do when it listens. None, or why it does not serve."""
        return None

    def can(self, load):
        """Whether that load can be put on it."""
        return (self.can_upload or not load.is_upload) and (not self.is_plain or load.kind in ("whole", "range"))

    def start(self):
        self.missing = self.prepare()
        if self.missing:
            return
        self.lay_objects()
        self.run()
        self.missing = self.processes.wait_for(self.port) or self.finish() or self.serves()
        if self.missing:
            self.processes.stop()

    def lay_objects(self):
        """The same files for all, by hard links: they are once in the page cache."""
        os.makedirs(os.path.join(self.root, "bench", "uploads"))
        os.chmod(os.path.join(self.root, "bench", "uploads"), 0o777)  # a worker may be another user
        for name in os.listdir(self.place.objects):
            os.link(os.path.join(self.place.objects, name), os.path.join(self.root, "bench", name))

    def serves(self):
        """None if an object comes as it is, else why not."""
        name = self.place.check_object
        got = os.path.join(self.place.tmp, "got")
        said = self.place.curl("--output", got, self.url(name))
        if said:
            return f"does not serve the objects: {said}"
        with open(got, "rb") as here, open(os.path.join(self.place.objects, name), "rb") as there:
            return None if here.read() == there.read() else "serves other bytes than those of the object"

    def url(self, name):
        return f"https://127.0.0.1:{self.port}/bench/{name}"

    def configuration(self, name, replace):
        """A file of bench/peers with this run's folders and ports in it."""
        with open(os.path.join(self.place.peers, name), encoding="utf-8") as file:
            text = file.read()
        for old, new in {**replace, "/certs/": self.place.ca + "/"}.items():
            text = text.replace(old, new)
        path = os.path.join(self.place.tmp, f"{self.name}-{name}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def certificate(self):
        return [f"{self.place.ca}/server.crt", f"{self.place.ca}/server.key"]


class Sluice(Peer):
    can_upload = True

    def __init__(self, name, about, place, *options):
        super().__init__(name, about, place)
        self.options = options

    def run(self):
        cert, key = self.certificate()
        self.processes.start(
            [self.place.sluice, "serve", "--config", os.path.join(self.place.peers, "sluice.yml"), "--root", self.root,
             "--writable", "--workers", "1", "--access-log=false", "--admin-listen", "none",
             "--listen", f"127.0.0.1:{self.port}", "--cert", cert, "--key", key,
             "--client-ca", f"{self.place.ca}/ca.crt", *self.options]
        )


class SluiceKernel(Sluice):
    is_kernel = True

    def prepare(self):
        return None if self.place.has_kernel_tls else NO_KERNEL_TLS


class Nginx(Peer):
    can_upload = True
    file = "nginx-user.conf"

    def prepare(self):
        return None if shutil.which("nginx") else "not installed (Debian: nginx)"

    def start_nginx(self, file, port, with_uploads):
        """One nginx with a file of bench/peers."""
        scratch = os.path.join(self.place.tmp, f"{self.name}-scratch")
        os.makedirs(scratch, exist_ok=True)
        os.chmod(scratch, 0o755)
        root = f"root {self.root};"
        if with_uploads:
            root += f" include {os.path.join(self.place.peers, 'nginx-uploads.conf')};"
        replace = {"/tmp/": scratch + "/", "127.0.0.1:8443": f"127.0.0.1:{port}", "root /disk1;": root}
        self.processes.start(["nginx", "-c", self.configuration(file, replace)])

    def run(self):
        self.start_nginx(self.file, self.port, True)


class NginxKernel(Nginx):
    is_kernel = True
    file = "nginx-ktls.conf"

    def prepare(self):
        return super().prepare() if self.place.has_kernel_tls else NO_KERNEL_TLS


class NginxPlain(Nginx):
    """Without TLS: nothing here that seals can be quicker."""

    can_upload = False
    is_plain = True
    file = "nginx-plain.conf"

    def run(self):
        self.start_nginx(self.file, self.port, False)

    def url(self, name):
        return f"http://127.0.0.1:{self.port}/bench/{name}"


class Terminator(Nginx):
    """A program that ends TLS, in front of an nginx without."""

    can_upload = False
    program = file = ""
    start_options = ()

    def prepare(self):
        if not shutil.which(self.program):
            return f"not installed (Debian: {self.program})"
        return super().prepare()

    def run(self):
        behind = free_port()
        self.start_nginx("nginx-plain.conf", behind, False)
        self.processes.wait_for(behind)
        path = self.configuration(self.file, {"8443": str(self.port), "8080": str(behind)})
        self.processes.start([self.program, *self.start_options, path])


class HAProxy(Terminator):
    program, file, start_options = "haproxy", "haproxy.cfg", ("-db", "-f")


class Hitch(Terminator):
    program, file = "hitch", "hitch.conf"
    start_options = (*(("--user", "nobody") if os.geteuid() == 0 else ()), "--config")  # its workers refuse to be root


class GoPeer(Peer):
    """A program that bench/compare has built, or has left why not."""

    can_upload = True

    def __init__(self, name, about, place, program):
        super().__init__(name, about, place)
        self.program = program

    def prepare(self):
        if os.path.isfile(self.program):
            return None
        with open(os.path.join(self.place.tmp, f"missing-{self.name}"), encoding="utf-8") as file:
            return file.read().strip()[:300]

    def put_signed(self, url, body=b""):
        """A PUT by the administrator. None, or what was wrong."""
        digest = hashlib.sha256(body).hexdigest()
        return self.place.curl(
            "--retry", "10", "--retry-all-errors", "--retry-delay", "1", "--aws-sigv4", "aws:amz:us-east-1:s3",
            "--user", f"{KEY}:{SECRET}", "--request", "PUT", "--header", f"x-amz-content-sha256: {digest}",
            "--data-binary", "@-", url, body=body
        )

    def open_bucket(self):
        """The bucket's policy: everybody may, as sluice bench signs nothing. None, or why not."""
        with open(os.path.join(self.place.peers, "bucket-policy.json"), "rb") as file:
            said = self.put_signed(self.url("?policy="), file.read())
        return f"does not take a policy of the bucket: {said}" if said else None


class Rclone(GoPeer):
    def run(self):
        cert, key = self.certificate()
        self.processes.start(
            [self.program, "serve", "s3", "--config", os.devnull, "--addr", f"127.0.0.1:{self.port}", "--cert", cert,
             "--key", key, "--client-ca", f"{self.place.ca}/ca.crt", self.root]
        )


class Versitygw(GoPeer):
    def run(self):
        cert, key = self.certificate()
        self.processes.start(
            [self.program, "--quiet", "--keep-alive", "--port", f"127.0.0.1:{self.port}", "--cert", cert, "--key", key,
             "posix", self.root],
            {"ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET},
        )

    def finish(self):
        return self.open_bucket()


class Minio(GoPeer):
    """Keeps objects in files of its own form, so they are brought there."""

    def lay_objects(self):
        os.makedirs(self.root)

    def run(self):
        certs = os.path.join(self.place.tmp, "minio-certs")
        os.makedirs(certs)
        for source, name in zip(self.certificate(), ("public.crt", "private.key")):
            shutil.copy(source, os.path.join(certs, name))
        self.processes.start(
            [self.program, "server", "--quiet", "--certs-dir", certs, "--address", f"127.0.0.1:{self.port}", self.root],
            {"MINIO_ROOT_USER": KEY, "MINIO_ROOT_PASSWORD": SECRET, "MINIO_BROWSER": "off", "MINIO_UPDATE": "off"},
        )

    def finish(self):
        said = self.put_signed(self.url("")) or self.open_bucket()
        for name in os.listdir(self.place.objects):
            said = said or self.place.curl("--upload-file", os.path.join(self.place.objects, name), self.url(name))
        return f"cannot be given the objects: {said}" if said else None


class Place:
    """What all peers share: folders, certificates, programs."""

    def __init__(self, options):
        self.tmp, self.peers, self.sluice = options.tmp, os.path.realpath(options.peers), options.sluice
        self.load = options.load
        self.ca = os.path.join(options.tmp, "ca")
        self.objects = os.path.join(options.tmp, "objects")
        self.check_object = ""
        probe = subprocess.run([self.sluice, "probe"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        self.has_kernel_tls = probe.returncode in (0, 1)
        os.chmod(self.tmp, 0o755)  # a worker of nginx may be another user

    def curl(self, *arguments, body=b""):
        """None, or what was wrong."""
        run = subprocess.run(
            ["curl", "--silent", "--show-error", "--fail-with-body", "--max-time", "60", "--cacert", f"{self.ca}/ca.crt",
             "--cert", f"{self.ca}/client.crt", "--key", f"{self.ca}/client.key", *arguments],
            input=body, capture_output=True, check=False
        )
        text = (run.stdout + run.stderr).decode("utf-8", "replace").strip()
        return None if run.returncode == 0 else text[-300:] or f"curl: {run.returncode}"


def all_peers(place, options):
    """Every one that is known, in the order of the tables; sluice in userspace first: ratios are to it."""
    peers = [Sluice("sluice", "sluice, userspace TLS", place, "--tls-path", "user")]
    for engine in ("auto", "sendfile", "splice", "copy"):
        about = f"sluice, kernel TLS, --send-engine {engine}"
        peers.append(SluiceKernel(f"sluice-{engine}", about, place, "--tls-path", "kernel", "--send-engine", engine))
    return peers + [
        Nginx("nginx", "nginx, userspace TLS; uploads by WebDAV, not synced", place),
        NginxKernel("nginx-ktls", "nginx, kernel TLS and sendfile", place),
        HAProxy("haproxy", "HAProxy, mode tcp, in front of nginx", place),
        Hitch("hitch", "hitch in front of nginx", place),
        Rclone("rclone", "rclone serve s3", place, options.rclone),
        Versitygw("versitygw", "versitygw, POSIX backend, --keep-alive; no client certificate; uploads not synced", place,
                  options.versitygw),
        Minio("minio", "MinIO, one drive; no client certificate", place, options.minio),
        NginxPlain("nginx-plain", "nginx, plain HTTP: the ceiling", place),
    ]
