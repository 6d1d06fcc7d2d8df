// crictl is what kubeadm calls for the container runtime, and a little more. Debian has no package of the real one.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1alpha2"
)

const usage = `usage: crictl [-r ENDPOINT] info | version | images | inspecti IMAGE | pull IMAGE | rmi IMAGE |
       pods [-q] | stopp POD | rmp POD | ps [-a] [-q] | stop CONTAINER | rm CONTAINER | logs CONTAINER`

var (
	runtime cri.RuntimeServiceClient
	images  cri.ImageServiceClient
)

func main() {
	endpoint := "unix:///run/containerd/containerd.sock"
	flag.StringVar(&endpoint, "r", endpoint, "the runtime's socket")
	flag.StringVar(&endpoint, "runtime-endpoint", endpoint, "the runtime's socket")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	if !strings.Contains(endpoint, "://") {
		endpoint = "unix://" + endpoint
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	dialing, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	connection, err := grpc.DialContext(dialing, endpoint, grpc.WithInsecure(), grpc.WithBlock())
	if err == nil {
		runtime, images = cri.NewRuntimeServiceClient(connection), cri.NewImageServiceClient(connection)
		err = run(ctx, flag.Arg(0), flag.Args()[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "crictl:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, verb string, args []string) error {
	flags := flag.NewFlagSet(verb, flag.ExitOnError)
	quiet := flags.Bool("q", false, "names only")
	all := flags.Bool("a", false, "those that ended, too")
	flags.Bool("f", false, "accepted, and means nothing")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch verb {
	case "info":
		answer, err := runtime.Status(ctx, &cri.StatusRequest{})
		return show(answer, err)
	case "version":
		answer, err := runtime.Version(ctx, &cri.VersionRequest{})
		return show(answer, err)
	case "images":
		return listImages(ctx, *quiet)
	case "pods":
		return listPods(ctx, *quiet)
	case "ps":
		return listContainers(ctx, *quiet, *all)
	}
	if flags.NArg() == 0 {
		return errors.New(usage)
	}
	for _, name := range flags.Args() {
		if err := one(ctx, verb, name); err != nil {
			return err
		}
	}
	return nil
}

// one does what is asked with one image, pod or container.
func one(ctx context.Context, verb, name string) (err error) {
	image := &cri.ImageSpec{Image: name}
	switch verb {
	case "inspecti":
		answer, err := images.ImageStatus(ctx, &cri.ImageStatusRequest{Image: image})
		if err == nil && answer.Image == nil {
			err = fmt.Errorf("no such image %q", name)
		}
		return show(answer, err)
	case "pull":
		_, err = images.PullImage(ctx, &cri.PullImageRequest{Image: image})
	case "rmi":
		_, err = images.RemoveImage(ctx, &cri.RemoveImageRequest{Image: image})
	case "stopp":
		_, err = runtime.StopPodSandbox(ctx, &cri.StopPodSandboxRequest{PodSandboxId: name})
	case "rmp":
		_, err = runtime.RemovePodSandbox(ctx, &cri.RemovePodSandboxRequest{PodSandboxId: name})
	case "stop":
		_, err = runtime.StopContainer(ctx, &cri.StopContainerRequest{ContainerId: name, Timeout: 10})
	case "rm":
		_, err = runtime.RemoveContainer(ctx, &cri.RemoveContainerRequest{ContainerId: name})
	case "logs":
		return showLog(ctx, name)
	default:
		return errors.New(usage)
	}
	return err
}

func listImages(ctx context.Context, quiet bool) error {
	answer, err := images.ListImages(ctx, &cri.ListImagesRequest{})
	for _, image := range answer.GetImages() {
		if quiet {
			fmt.Println(image.Id)
		} else {
			fmt.Println(image.Id, strings.Join(image.RepoTags, " "))
		}
	}
	return err
}

func listPods(ctx context.Context, quiet bool) error {
	answer, err := runtime.ListPodSandbox(ctx, &cri.ListPodSandboxRequest{})
	for _, pod := range answer.GetItems() {
		if quiet {
			fmt.Println(pod.Id)
		} else {
			fmt.Println(pod.Id, pod.State, pod.Metadata.Namespace+"/"+pod.Metadata.Name)
		}
	}
	return err
}

func listContainers(ctx context.Context, quiet, all bool) error {
	filter := &cri.ContainerFilter{State: &cri.ContainerStateValue{State: cri.ContainerState_CONTAINER_RUNNING}}
	if all {
		filter = nil
	}
	answer, err := runtime.ListContainers(ctx, &cri.ListContainersRequest{Filter: filter})
	for _, container := range answer.GetContainers() {
		if quiet {
			fmt.Println(container.Id)
		} else {
			fmt.Println(container.Id, container.State, container.Metadata.Name, container.Labels["io.kubernetes.pod.name"])
		}
	}
	return err
}

// showLog prints a log as the runtime keeps it: a time, a stream and a tag before each line.
func showLog(ctx context.Context, name string) error {
	found, err := runtime.ListContainers(ctx, &cri.ListContainersRequest{Filter: &cri.ContainerFilter{Id: name}})
	if err != nil {
		return err
	}
	if len(found.Containers) != 1 {
		return fmt.Errorf("%d containers are named %q", len(found.Containers), name)
	}
	answer, err := runtime.ContainerStatus(ctx, &cri.ContainerStatusRequest{ContainerId: found.Containers[0].Id})
	if err != nil {
		return err
	}
	bytes, err := os.ReadFile(answer.Status.LogPath)
	os.Stdout.Write(bytes)
	return err
}

func show(answer interface{}, err error) error {
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(answer)
}
