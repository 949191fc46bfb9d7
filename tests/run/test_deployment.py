"""What a deployment is made of agrees with itself: compose file, example of .env, settings, papers, nginx."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

TOP = Path(__file__).resolve().parents[2]
COMPOSE = (TOP / "docker-compose.yml").read_text()
SERVICES = yaml.safe_load(COMPOSE)["services"]
ONE_SHOT = {"migrate", "practice-migrate"}
# Set by our own container scripts or by Docker, not by the administrator.
SET_BY_SCRIPTS = {"DJANGO_SETTINGS_MODULE", "PYTEST_XDIST_WORKER", "PYTEST_VERSION"}


def documented(name):
    return f"`{name}`" in (TOP / "docs/operations.md").read_text()


def test_every_lasting_service_comes_back_and_says_whether_it_is_well():
    for name in SERVICES.keys() - ONE_SHOT:
        assert SERVICES[name]["restart"] == "unless-stopped", name
        assert SERVICES[name]["healthcheck"]["test"], name


def test_no_password_has_a_default():
    for secret in (
        "SECRET_KEY",
        "DB_ADMIN_PASSWORD",
        "DB_OWNER_PASSWORD",
        "DB_APP_PASSWORD",
        "REDIS_PASSWORD",
        "SITE_URL",
    ):
        uses = re.findall(rf"\$\{{{secret}(.*?)\}}", COMPOSE)
        assert uses, secret
        assert any(use.startswith(f":?write {secret} into .env") for use in uses), secret
        assert not any(use.startswith((":-", "-")) for use in uses), secret


def test_the_example_of_env_names_every_variable_of_the_compose_file_and_gives_away_none():
    example = (TOP / "ops/env.example").read_text()
    named = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", example, flags=re.M))
    used = set(re.findall(r"\$\{([A-Z_]+)", COMPOSE))
    assert named.keys() == used
    demanded = set(re.findall(r"\$\{([A-Z_]+):\?", COMPOSE))
    assert {name: named[name] for name in demanded} == dict.fromkeys(demanded, "")


def test_only_the_service_that_migrates_knows_the_owners_password():
    knowing = {name for name, service in SERVICES.items() if "DB_OWNER_PASSWORD" in str(service.get("environment"))}
    assert knowing == {"db", "migrate", "practice-migrate"}


def test_the_programs_run_without_rights_and_write_nothing_but_their_volumes():
    for name in ("migrate", "web", "live", "worker", "beat", "practice", "nginx"):
        assert SERVICES[name]["cap_drop"] == ["ALL"], name
        assert SERVICES[name]["read_only"], name
    stages = (TOP / "Dockerfile").read_text().split("\nFROM ")
    kept = [stage for stage in stages if stage.splitlines()[0].endswith(("AS app", "AS nginx"))]
    assert len(kept) == 2
    assert all(re.search(r"^USER ", stage, flags=re.M) for stage in kept)


def test_every_setting_from_the_environment_is_described():
    source = (TOP / "citymgmt/settings.py").read_text()
    read = set(re.findall(r'(?:environ\.get\(|environ\[|switch\(|number\(|folder\()"([A-Z_]+)"', source))
    assert len(read) > 12
    assert {name for name in read - SET_BY_SCRIPTS if not documented(name)} == set()


def test_every_program_of_the_compose_file_is_known_to_the_entrypoint():
    entrypoint = (TOP / "ops/container/entrypoint.sh").read_text()
    for name in ("migrate", "web", "live", "worker", "beat", "practice"):
        assert SERVICES[name]["command"] == [name]
        assert re.search(rf"^    {name}\)$", entrypoint, flags=re.M), name


@pytest.fixture
def values(tmp_path):
    run = tmp_path / "a folder 的"
    run.mkdir()
    return {
        "NGINX_USER": "user root;" if os.geteuid() == 0 else "",
        "NGINX_RUN": str(run),
        "NGINX_LISTEN": "listen 127.0.0.1:8999;",
        "NGINX_SCHEME": "http",
        "NGINX_LOG": str(run / "access.log"),
        "NGINX_PAGES": str(TOP / "ops/nginx"),
        "WEB_SOCKET": str(run / "web.sock"),
        "LIVE_SOCKET": str(run / "live.sock"),
        "STATIC_ROOT": str(run / "static"),
        "EVIDENCE_ROOT": str(run / "evidence"),
        "CITY_MAX_UPLOAD_MB": "60",
    }


def rendered(values):
    environment = {"PATH": os.environ["PATH"], **values}
    script = ["sh", TOP / "ops/nginx/render.sh"]
    return subprocess.run(script, env=environment, check=True, capture_output=True, text=True).stdout


def test_the_template_leaves_no_gap(values):
    assert "${" not in rendered(values)


@pytest.mark.parametrize(
    "listen",
    [
        "listen 127.0.0.1:8999;",
        "listen 8080; set_real_ip_from 10.0.0.0/8; real_ip_header X-Forwarded-For;",
    ],
)
def test_nginx_understands_the_template(values, listen):
    nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    conf = Path(values["NGINX_RUN"]) / "nginx.conf"
    conf.write_text(rendered({**values, "NGINX_LISTEN": listen}))
    answer = subprocess.run(
        [nginx, "-t", "-p", values["NGINX_RUN"], "-c", conf, "-e", "stderr"], capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stderr
