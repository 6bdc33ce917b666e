"""Who is let in: over real HTTP, with whatever a stranger, another site or another server on this machine may send."""

from __future__ import annotations

import http.client
import socket

import pytest

from tests.support.review_server import Case, Served, served

PAGES = ("/", "/list", "/match/1", "/grid/1", "/picture/1/file/0", "/why/1/file", "/static/review.js")


class TestLink:
    def test_is_good_once_and_becomes_a_cookie(self, case: Case) -> None:
        with served(case) as page:
            assert page.ask("GET", "/enter").status == 403
            assert page.ask("GET", "/enter?token=wrong").status == 403
            assert all(page.ask("GET", path).status == 403 for path in PAGES)
            first = page.enter()
            assert first.status == 200
            attributes = first.headers["set-cookie"].lower()
            assert (
                "httponly" in attributes
                and "samesite=strict" in attributes
                and f"path={page.base}".lower() in attributes
            )
            assert "max-age" not in attributes and "expires" not in attributes
            assert page.ask("GET", f"/enter?{page.query}", {"Cookie": None}).status == 403
            assert page.ask("GET", "/list").status == 200
            for cookie in (None, "hashmatch=", "hashmatch=wrong", page.cookie[:-1], f"x{page.cookie}"):
                assert page.ask("GET", "/list", {"Cookie": cookie}).status == 403
            assert page.query not in page.ask("GET", "/match/1").text

    def test_port_is_chosen_by_the_system_and_on_this_machine_only(self, page: Served) -> None:
        with socket.socket() as other, pytest.raises(OSError):
            other.settimeout(2)
            other.connect(("127.0.0.2", page.port))


class TestRequests:
    @pytest.mark.parametrize(
        "host", [None, "", "localhost", "localhost:{port}", "127.0.0.1", "evil.example:{port}", "[::1]:{port}"]
    )
    def test_host_is_ours(self, page: Served, host: str | None) -> None:
        sent = host and host.format(port=page.port)
        assert page.ask("GET", "/list", {"Host": sent}).status in (400, 421)

    def test_one_host(self, page: Served) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=60)
        connection.putrequest("GET", f"{page.base}/list", skip_host=True)
        for host in (page.host, "evil.example"):
            connection.putheader("Host", host)
        connection.putheader("Cookie", page.cookie)
        connection.endheaders()
        assert connection.getresponse().status in (400, 421)
        connection.close()

    @pytest.mark.parametrize(
        "origin", [None, "null", "http://evil.example", "http://localhost:{port}", "https://127.0.0.1:{port}"]
    )
    def test_origin_of_a_form_is_ours(self, page: Served, origin: str | None) -> None:
        before = page.ask("GET", "/match/2").text
        sent = origin and origin.format(port=page.port)
        assert page.decide("confirmed", 2, Origin=sent).status == 403
        assert page.ask("GET", "/match/2").text == before or "What was said" not in page.ask("GET", "/match/2").text

    @pytest.mark.parametrize("site", ["cross-site", "same-site"])
    def test_other_pages_are_refused(self, page: Served, site: str) -> None:
        for path in PAGES:
            assert page.ask("GET", path, {"Sec-Fetch-Site": site}).status == 403
        assert page.decide("confirmed", 2, **{"Sec-Fetch-Site": site}).status == 403

    @pytest.mark.parametrize("path", ["/decide", "/undo", "/paused", "/end"])
    @pytest.mark.parametrize("body", ["", "secret=", "secret=wrong&decision=confirmed&item=2", "{}", "secret=%ff"])
    def test_every_form_has_its_secret(self, page: Served, path: str, body: str) -> None:
        assert page.ask("POST", path, body=body).status == 403
        assert page.ask("GET", path).status in (404, 405)

    def test_forms_of_another_kind_or_size(self, page: Served) -> None:
        body = f"secret={page.secret}&decision=confirmed&item=2"
        for kind in ("text/plain", "multipart/form-data; boundary=x", "application/json", None):
            assert page.ask("POST", "/decide", {"Content-Type": kind}, body).status == 403
        assert page.ask("POST", "/decide", body=body + "&note=" + "x" * (1 << 20)).status == 403
        assert page.ask("POST", "/decide", body=body + "&x=" * 6000).status == 403
        assert "What was said" not in page.ask("GET", "/match/2").text

    @pytest.mark.parametrize(
        "fields",
        [
            "decision=deny&item=2",
            "decision=confirmed&item=0",
            "decision=confirmed&item=99",
            "decision=confirmed&item=-1",
            "item=2",
        ],
    )
    def test_forms_of_nonsense(self, page: Served, fields: str) -> None:
        assert page.ask("POST", "/decide", body=f"secret={page.secret}&{fields}").status == 403

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"])
    def test_other_methods(self, page: Served, method: str) -> None:
        assert page.ask(method, "/list").status == 405

    @pytest.mark.parametrize(
        "path",
        [
            *("/static/../server.py", "/static/..%2fserver.py", "/static/%2e%2e/server.py", "/static//etc/passwd"),
            *("/static/review.css/../../server.py", "/static/match.html.j2", "/static/", "/static/review.js%00"),
            *("/match/0", "/match/99", "/match/-1", "/match/1e3", "/match/99999999999999999999", "/grid/0", "/grid/99"),
            *(
                "/picture/1/file/9",
                "/picture/1/other/0",
                "/picture/99/file/0",
                "/picture/1/..%2f..%2fetc/0",
                "/nothing",
            ),
        ],
    )
    def test_no_way_out_of_what_is_served(self, page: Served, path: str) -> None:
        answer = page.ask("GET", path)
        assert answer.status == 404
        assert "root:" not in answer.text and "import" not in answer.text

    def test_nothing_outside_of_the_base(self, page: Served) -> None:
        for path in ("/", "/list", "/favicon.ico", "//evil.example/"):
            assert page.ask("GET", path, base="").status == 404

    def test_every_answer_has_the_headers(self, page: Served) -> None:
        for path, cookie in (*((path, page.cookie) for path in PAGES), ("/list", "x=1"), ("/nothing", page.cookie)):
            headers = page.ask("GET", path, {"Cookie": cookie}).headers
            policy = headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy and "http" not in policy
            assert "frame-ancestors 'none'" in policy and headers["x-frame-options"] == "DENY"
            assert headers["cache-control"] == "no-store" and headers["x-content-type-options"] == "nosniff"
            assert (
                headers["referrer-policy"] == "same-origin" and headers["cross-origin-resource-policy"] == "same-origin"
            )
            assert "server" not in headers and "access-control-allow-origin" not in headers

    def test_redirections_stay_here(self, page: Served) -> None:
        for back in ("//evil.example", "https://evil.example/", "match/99", "grid/x", "../../x", ""):
            answer = page.decide("dispute", 2, back=back)
            assert (answer.status, answer.headers["location"]) == (303, f"{page.base}/list")
