"""The genuine gRPC implementation as the peer of test-grpcio.c: "client ADDRESS [CA]" or "server [CERT KEY]"."""
import concurrent.futures
import sys
import threading
import time

import grpc

OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
LARGE = bytes(range(256)) * (20 * 4096) + b"x"
N_HELD = 300


def unary(channel, path):
    return channel.unary_unary(path)


def expect_error(call, code, details):
    try:
        call()
    except grpc.RpcError as error:
        assert error.code() == code, (error.code(), error.details())
        assert details in error.details(), error.details()
    else:
        raise AssertionError("no error")


def check_unary(channel):
    echo = unary(channel, "/t/Echo")
    assert echo(b"hello") == b"hello"
    assert echo(b"") == b""
    assert echo(LARGE) == LARGE
    futures = [echo.future(b"%d" % i) for i in range(500)]
    assert [f.result() for f in futures] == [b"%d" % i for i in range(500)]
    who = unary(channel, "/t/Who")
    for value in (b"\x00\xff\x01", b"\x01", b"12", b""):
        assert who(b"", metadata=[("x-test-bin", value)]) == value


def check_errors(channel):
    fail = unary(channel, "/t/Fail")
    expect_error(lambda: fail("50 % of äpfel\n".encode()), grpc.StatusCode.INVALID_ARGUMENT, "50 % of äpfel\n")
    expect_error(lambda: unary(channel, "/t/No")(b""), grpc.StatusCode.UNIMPLEMENTED, "")
    expect_error(lambda: unary(channel, "/t/Small")(LARGE), grpc.StatusCode.FAILED_PRECONDITION, "100 bytes")
    expect_error(lambda: unary(channel, "/t/Who")(b""), grpc.StatusCode.UNAUTHENTICATED, "Missing")
    assert unary(channel, "/t/Echo")(b"still") == b"still"


def check_held(channel):
    hold = unary(channel, "/t/Hold")
    expect_error(lambda: hold(b"x", timeout=0.3), grpc.StatusCode.DEADLINE_EXCEEDED, "")
    for _ in range(50):
        hold.future(b"x").cancel()
    futures = [hold.future(b"x") for _ in range(N_HELD)]
    assert all(f.result(timeout=20) == b"released" for f in futures)


def check_stream(channel):
    stream = channel.unary_stream("/t/Stream")
    assert [m for m in stream(b"100")] == [b"message %d" % i for i in range(100)]
    call = stream(b"0")
    assert call.initial_metadata() is not None
    call.cancel()


def run_client(address, ca=None):
    if ca:
        with open(ca, "rb") as f:
            channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(f.read()), OPTIONS)
    else:
        channel = grpc.insecure_channel(address, OPTIONS)
    with channel:
        check_unary(channel)
        check_errors(channel)
        check_held(channel)
        check_stream(channel)


class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        name = details.method.rsplit("/", 1)[1]
        if name == "Stream":
            return grpc.unary_stream_rpc_method_handler(self.Stream)
        method = getattr(self, name, None)
        return grpc.unary_unary_rpc_method_handler(method) if method else None

    def Echo(self, request, context):
        return request

    def Fail(self, request, context):
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, request.decode())

    def Who(self, request, context):
        return dict(context.invocation_metadata())["x-test-bin"]

    def Deadline(self, request, context):
        return b"%d" % context.time_remaining()

    def Later(self, request, context):
        time.sleep(0.5)
        return b"later"

    def Hold(self, request, context):
        gone = threading.Event()
        context.add_callback(gone.set)
        gone.wait(10)
        return b"late"

    def Stream(self, request, context):
        for i in range(int(request)):
            yield b"message %d" % i


def run_server(cert=None, key=None):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(20), options=OPTIONS)
    server.add_generic_rpc_handlers((Handler(),))
    if cert:
        with open(cert, "rb") as c, open(key, "rb") as k:
            port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(k.read(), c.read())]))
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    # One line means GOAWAY, the end of the input the end.
    sys.stdin.readline()
    server.stop(grace=5)
    sys.stdin.read()
    time.sleep(0.1)


if __name__ == "__main__":
    {"client": run_client, "server": run_server}[sys.argv[1]](*sys.argv[2:])
