# sprite-env as process 1 of a container. Built from an unpacked release: docker build -t sprite-env .
FROM debian:stable-slim
COPY sprite-env /usr/local/bin/sprite-env
RUN ln -s sprite-env /usr/local/bin/spritectl && mkdir -p /etc/sprite-env && echo '{}' > /etc/sprite-env/config.json
# Services, the event log and the API's socket are below: keep it in a volume, and a container that is made anew goes on where it was.
VOLUME /.sprite
ENTRYPOINT ["/usr/local/bin/sprite-env"]
CMD ["--config", "/etc/sprite-env/config.json"]
